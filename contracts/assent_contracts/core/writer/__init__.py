"""The writer of one ledger partition as pure code: what it decides, remembers and links, and its batches."""
