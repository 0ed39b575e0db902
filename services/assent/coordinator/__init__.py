"""The coordinator: carries facts between a set and its members, which are in different partitions (R29)."""
