"""The status of every request, as people look it up: one row each (R7, R13)."""
