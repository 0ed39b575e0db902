"""`assent init`: one readable file becomes the first records of the governance ledger."""
