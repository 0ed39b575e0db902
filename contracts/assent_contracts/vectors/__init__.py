"""The conformance vectors: what a library in any language is held against. `generate` writes them."""
