"""R17: where people hear of what waits for them: their targets, what may be one, what did not arrive."""
