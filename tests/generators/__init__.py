"""The published documents in the hands of other people's parsers and generators."""
