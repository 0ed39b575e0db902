"""The rules as pure code: no I/O, no clock, no randomness, no logging."""
