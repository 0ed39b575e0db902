"""The evidence for a release besides a writer's seal: the commands that people signed.

A seal proves which writer appended a record, and nothing else. A reader that acts on a release judges its
request again, by the rules and from the signed commands. So nothing is applied with a stolen writer key
alone.
"""
