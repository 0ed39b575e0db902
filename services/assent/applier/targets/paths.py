"""Paths in an applier's configuration."""

from typing import Annotated

from msgspec import Meta

AbsolutePath = Annotated[str, Meta(pattern=r"^/[^\x00]*$", max_length=4_000)]
"""The path of a file or a folder, from the root."""
