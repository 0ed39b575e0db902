"""The life of a request: one file per command, `decide` and `evolve` over a union of small states."""
