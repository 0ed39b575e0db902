"""Faults that a developer could make, each a small patch, and what catches them: `python -m tests.faults`."""
