"""Dispatch: hands released changes over to appliers, on `assent.changes`."""
