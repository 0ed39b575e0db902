"""What the product reaches on this machine, beside what its parts could reach: `python -m tests.bench`."""
