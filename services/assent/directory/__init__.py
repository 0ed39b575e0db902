"""Compares an export of the organisation's directory with governance."""
