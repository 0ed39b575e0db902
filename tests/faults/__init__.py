"""Faults that somebody could make, each a small patch, and what catches it: `python -m tests.faults`."""
