"""How callers prove who they are: sessions of people, tokens of machines, signatures of keys."""
