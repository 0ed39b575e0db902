"""Encode a large state in a child process, as it is at this moment, while this one goes on changing it."""

import asyncio
import gc
import os
import signal
import tempfile
import warnings
from collections.abc import Callable
from contextlib import suppress
from typing import BinaryIO, Final

_NICE: Final = 10
"""The priority of the child: it is in no hurry, and what it encodes is still being used."""


class EncodingError(Exception):
    """The child has failed."""


class EncodingAside:
    """One encoding. A fork shares memory until either side changes it, so it takes only milliseconds."""

    def __init__(self, encode: Callable[[], bytes]) -> None:
        """Fork at once. `encode` is called in the child, where there is nothing else: no loop, no threads."""
        self._file = _unnamed_file()
        with warnings.catch_warnings():
            # Python 3.12 warns that locks may be held. The child only encodes, and takes none.
            warnings.simplefilter("ignore", DeprecationWarning)
            self._child = os.fork()
        if self._child == 0:
            _encode_and_exit(encode, self._file)

    async def file(self) -> BinaryIO:
        """The encoded bytes, from their start; the caller closes the file. Raises EncodingError.

        If this is cancelled, the child is ended first.
        """
        waiting = asyncio.ensure_future(asyncio.to_thread(os.waitpid, self._child, 0))
        try:
            _, status = await asyncio.shield(waiting)
        except asyncio.CancelledError:
            with suppress(ProcessLookupError):
                os.kill(self._child, signal.SIGKILL)
            await asyncio.wait([waiting])
            self._file.close()
            raise
        if status != 0:
            self._file.close()
            msg = f"the process that encodes a snapshot ended with status {os.waitstatus_to_exitcode(status)}"
            raise EncodingError(msg)
        self._file.seek(0)
        return self._file


def _unnamed_file() -> BinaryIO:
    """A file without a name: in memory where there is such a thing, because the disk may be read-only."""
    if hasattr(os, "memfd_create"):
        return os.fdopen(os.memfd_create("assent-snapshot", os.MFD_CLOEXEC), "w+b")
    return tempfile.TemporaryFile()


def _encode_and_exit(encode: Callable[[], bytes], file: BinaryIO) -> None:
    """End this process without running anything of the parent's: no handlers, no buffers, no exits."""
    status = 1
    try:
        gc.disable()
        signal.set_wakeup_fd(-1)
        for each in (signal.SIGTERM, signal.SIGINT):
            signal.signal(each, signal.SIG_DFL)
        os.nice(_NICE)
        file.write(encode())
        file.flush()
        status = 0
    finally:
        os._exit(status)
