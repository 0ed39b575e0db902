"""Prove a ledger: chain, seals and signatures are valid, and every decision follows from what came before."""
