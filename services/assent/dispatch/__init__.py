"""Dispatch: passes released changes to appliers, on `assent.changes`."""
