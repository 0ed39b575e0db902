"""R17: people's notification targets: what may be one, and what did not arrive."""
