"""A branch of a git repository: one commit for each change."""
