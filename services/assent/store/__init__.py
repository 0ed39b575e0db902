"""Postgres: its tables, how readers of the ledger fill them, and what is asked of them."""
