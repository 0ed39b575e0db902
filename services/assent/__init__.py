"""Assent: multi-admin approval as a service."""
