"""Accounts and permissions: the state from the governance ledger, and the rules that change it."""
