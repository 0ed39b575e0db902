"""Limits on what clients may use of a gateway. Times are in seconds."""

import msgspec


class LiveLimits(msgspec.Struct, frozen=True, kw_only=True):
    """For event streams: how many there may be, and how long each may last."""

    streams: int = 10_000
    """ASSENT_GATEWAY_STREAMS: how many event streams may be open at once. Default: `10000`."""
    streams_each: int = 20
    """ASSENT_GATEWAY_STREAMS_EACH: how many of them one account may have. Default: `20`."""
    beat_s: float = 15.0
    """A comment shows that a stream is alive."""
    session_s: float = 60.0
    """How often the validity of sessions is checked."""
    oldest_s: float = 900.0
    """After this, a client has to reconnect and authenticate again."""


class SlowLimits(msgspec.Struct, frozen=True, kw_only=True):
    """For connections: how slow their clients may be."""

    headers_s: float = 10.0
    """From the connection, or a request's first byte, to the end of its headers."""
    body_s: float = 30.0
    """From the end of the headers to the end of the body."""
    not_taken_s: float = 30.0
    """For a client that does not read what it is sent."""
