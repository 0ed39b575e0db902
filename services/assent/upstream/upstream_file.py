"""The content of an upstream file, ASSENT_UPSTREAM_FILE, and of the files that it names."""

from typing import TypeVar

import msgspec

from assent.upstream.source_settings import Source, SourceFields

_T = TypeVar("_T", bound=SourceFields)


class HttpPort(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where webhooks arrive. TLS is for the proxy in front of it."""

    port: int
    host: str = "127.0.0.1"


class UpstreamFile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The content of an upstream file."""

    sources: list[Source]
    http: HttpPort | None = None
    console: str | None = None
    """The address of the console, for the links in answers to callers."""
    keep_days: float = 30.0
    """How long the content of an event is kept after its end. Its id is kept, so that it is received once."""

    def of(self, kind: type[_T]) -> list[_T]:
        """The sources of one kind."""
        return [each for each in self.sources if isinstance(each, kind)]

    def source(self, name: str) -> Source | None:
        """The source with this name."""
        return next((each for each in self.sources if each.name == name), None)
