"""The HTTP API, sign-in and console, in front of the log.

Any number of gateways can run in parallel. They read from the ledger and from Postgres, and send what users
ask for to the log as signed commands.
"""
