"""Clients for Kafka (extra `kafka`): publish signed commands, follow the ledger, apply changes."""
