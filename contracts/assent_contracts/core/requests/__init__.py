"""The life of a request: one file for each command, and `decide` and `evolve` over a union of states."""
