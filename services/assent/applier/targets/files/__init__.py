"""A folder: one file for each object."""
