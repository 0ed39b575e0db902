"""Postgres: its tables, how readers of the ledger fill them, and the queries on them."""
