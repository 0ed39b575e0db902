"""Requests and the audit log in a form for people, for the terminal, the console and the API."""
