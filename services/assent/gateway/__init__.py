"""The HTTP API, sign-in and console, in front of the log.

Any number of gateways stand side by side: what they know comes from the ledger and from Postgres, and what
they are told goes to the log as signed commands.
"""
