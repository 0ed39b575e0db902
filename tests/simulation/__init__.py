"""A seeded world: broker, clocks, writers, readers, appliers and an attacker, over the real pure code.

`python -m tests.simulation --schedules 100000` runs that many; `--seed N` repeats one and prints its steps.
"""
