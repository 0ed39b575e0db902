"""The audit log: every record of both ledgers, byte for byte, in an append-only table (R16)."""
