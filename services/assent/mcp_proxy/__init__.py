"""A proxy for MCP (experimental): tool calls of an agent wait until people have approved them."""
