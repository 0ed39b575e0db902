"""One open event stream and its unsent events. Bounded and small: there may be ten thousand streams."""

import asyncio
from typing import Final

WAITING_MAX: Final = 64
"""Events that wait for a client that does not read them."""
LOST: Final = b'event: lost\ndata: {"todo":"reload"}\n\n'
"""Some events were lost: the client has to reload what it shows."""
_BEAT: Final = b":\n\n"


class StreamListener:
    """A client of the event stream, from its first byte to its last."""

    __slots__ = ("_waiting", "_waker", "ended", "ends_at", "principal", "session")

    def __init__(self, principal: str, session: str | None, ends_at: float) -> None:
        """`session`: its token, if the caller has a session; `ends_at`: in the loop's time."""
        self.principal = principal
        self.session = session
        self.ends_at = ends_at
        self.ended = False
        # Chunks are made once and shared by all listeners.
        self._waiting: list[bytes] = []
        self._waker: asyncio.Future[None] | None = None

    def tell(self, chunk: bytes) -> None:
        """Send it. A client that is too slow is told to reload, and its waiting events are dropped."""
        if len(self._waiting) >= WAITING_MAX:
            self._waiting = [LOST]
        else:
            self._waiting.append(chunk)
        self._wake()

    def beat(self) -> None:
        """Show that the stream is alive, unless a waiting event will show it."""
        if not self._waiting:
            self.tell(_BEAT)

    def end(self, last: bytes = b"") -> None:
        """End the stream after what waits, and `last`."""
        self.ended = True
        if last:
            self._waiting.append(last)
        self._wake()

    async def next(self) -> bytes | None:
        """Everything that waits, as soon as there is something; None at the end."""
        while not self._waiting:
            if self.ended:
                return None
            self._waker = asyncio.get_running_loop().create_future()
            try:
                await self._waker
            finally:
                self._waker = None
        waiting, self._waiting = self._waiting, []
        return b"".join(waiting)

    def _wake(self) -> None:
        if self._waker is not None and not self._waker.done():
            self._waker.set_result(None)
