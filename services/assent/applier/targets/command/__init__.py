"""A program on this machine: the payload on its input, its exit code as the outcome."""
