"""What the product reaches on this machine, next to what its parts could reach: `python -m tests.bench`."""
