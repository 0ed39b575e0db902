"""The status of every request, as people look it up: one row for each (R7, R13)."""
