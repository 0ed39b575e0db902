"""Holds targets against what was applied to them, and reports what differs (R28)."""
