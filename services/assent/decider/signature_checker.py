"""Check many signatures at once, off the event loop.

In processes, not threads: a verification releases the GIL and has to get it back from the loop, which is
deciding at the same time. That costs up to a switch interval (5 ms) for 40 µs of work.
"""

import asyncio
import multiprocessing
import os
import signal
import threading
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing.connection import wait
from typing import Final

from assent_contracts.client.keys import verify_signature
from assent_contracts.core.received import Envelope, Omitted, signature_bytes
from assent_contracts.signing import NO_IDENTITY, PUBLIC_KEY_BYTES, SIGNATURE_BYTES, command_prefix

INLINE_MAX: Final = 8
"""Up to this many are checked on the loop, since handing them to another process would take longer."""
PROCESSES: Final = 2
_MESSAGE_END: Final = PUBLIC_KEY_BYTES + len(command_prefix(NO_IDENTITY)) + 32
_GOOD: Final = b"\1"
_CHECK_BYTES: Final = _MESSAGE_END + SIGNATURE_BYTES


class SignatureChecker:
    """Checks whether the signature of each envelope is good. Order is kept."""

    def __init__(self, identity: str) -> None:
        """`identity`: the log that the commands must have been signed for."""
        self._prefix = command_prefix(identity)
        self._pool = ProcessPoolExecutor(
            PROCESSES, mp_context=multiprocessing.get_context("spawn"), initializer=_be_a_worker
        )

    def check(
        self, batch: Sequence[Envelope | Omitted], keys: Sequence[bytes | None]
    ) -> asyncio.Future[list[bool]]:
        """One answer for each envelope and its key; False without an envelope, a signature or a key.

        The work begins at once, and several batches may be checked at the same time. Raises BrokenProcessPool
        when a worker was killed.
        """
        checks = [self._check_of(each, key) for each, key in zip(batch, keys, strict=True)]
        if len(checks) > INLINE_MAX:
            return asyncio.ensure_future(self._check_in_workers(checks))
        answers = asyncio.get_running_loop().create_future()
        answers.set_result([_verify_all(check) == _GOOD for check in checks])
        return answers

    async def _check_in_workers(self, checks: Sequence[bytes]) -> list[bool]:
        loop = asyncio.get_running_loop()
        share = -(-len(checks) // PROCESSES)
        answers = await asyncio.gather(
            *(
                loop.run_in_executor(self._pool, _verify_all, b"".join(checks[start : start + share]))
                for start in range(0, len(checks), share)
            )
        )
        tried = iter(b"".join(answers))
        return [bool(check) and next(tried) == _GOOD[0] for check in checks]

    def close(self) -> None:
        """End the workers."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _check_of(self, envelope: Envelope | Omitted, key: bytes | None) -> bytes:
        """Public key, message and signature in a row; empty when one of them is missing."""
        if key is None or isinstance(envelope, Omitted):
            return b""
        signature = signature_bytes(envelope)
        return b"" if signature is None else key + self._prefix + envelope.value_sha256 + signature


def _verify_all(checks: bytes) -> bytes:
    """One byte for each check in a row: 1 when it is good."""
    return bytes(
        verify_signature(
            checks[start : start + PUBLIC_KEY_BYTES],
            checks[start + PUBLIC_KEY_BYTES : start + _MESSAGE_END],
            checks[start + _MESSAGE_END : start + _CHECK_BYTES],
        )
        for start in range(0, len(checks), _CHECK_BYTES)
    )


def _be_a_worker() -> None:
    """End with the decider, however it ends. Ctrl-C is left to the decider."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    assert parent is not None

    def end_with_parent() -> None:
        wait([parent.sentinel])
        os._exit(0)

    threading.Thread(target=end_with_parent, name="parent", daemon=True).start()
