"""Prove a ledger: chain, seals and signatures hold, and every decision follows from what came before."""
