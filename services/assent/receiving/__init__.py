"""Receives HTTP requests from systems outside."""
