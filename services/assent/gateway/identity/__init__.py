"""How callers authenticate: sessions for people, tokens for machines, signatures by keys."""
