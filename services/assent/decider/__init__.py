"""The decider: the only writer of the ledger."""
