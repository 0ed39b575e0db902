"""How much of a gateway its clients may take. Times in seconds."""

import msgspec


class LiveLimits(msgspec.Struct, frozen=True, kw_only=True):
    """Of event streams: how many, and how long each may last."""

    streams: int = 10_000
    """ASSENT_GATEWAY_STREAMS: how many event streams may be open at once. Default: `10000`."""
    streams_each: int = 20
    """ASSENT_GATEWAY_STREAMS_EACH: how many of them one account may have. Default: `20`."""
    beat_s: float = 15.0
    """A comment shows that a stream is alive."""
    session_s: float = 60.0
    """How often it is looked whether the sessions still hold."""
    oldest_s: float = 900.0
    """Then a client has to come back, and shows anew who it is."""


class SlowLimits(msgspec.Struct, frozen=True, kw_only=True):
    """Of connections: how slow their clients may be."""

    headers_s: float = 10.0
    """From the connection, or a request's first byte, to the end of its headers."""
    body_s: float = 30.0
    """From there to the end of its body."""
    not_taken_s: float = 30.0
    """For a client that does not take what it is sent."""
