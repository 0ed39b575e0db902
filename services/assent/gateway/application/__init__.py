"""What a caller can do and find out: one function each, for the API and the console.

The API and the console parse what was sent, call these, and render what they return. Every function raises
Problem where it refuses, with what to do.
"""
