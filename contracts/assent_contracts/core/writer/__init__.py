"""The writer of one ledger partition, pure: what it decides, remembers and links, and where batches end."""
