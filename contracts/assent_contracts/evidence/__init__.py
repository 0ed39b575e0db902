"""What an accepted ledger can show for a release besides a writer's seal: the commands that people signed.

A seal proves which writer appended a record, and nothing else. Whoever acts on a release judges its request
again, by the rules and from signed commands, so that a stolen writer key alone applies nothing.
"""
