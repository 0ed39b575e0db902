"""What a caller can do and look up: one function each, for the API and the console.

The API and the console parse the input, call these functions, and render the results. Every function raises
Problem when it refuses, and states what to do.
"""
