"""Check many signatures at once, off the event loop."""

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from assent.core.governance.state import Governance
from assent.core.requests.receive import Received, Unreadable, signature_bytes
from assent_contracts.client.keys import verify
from assent_contracts.signing import COMMAND_PREFIX

INLINE_MAX = 8
"""So few are checked at once on the loop: a thread's turn would take longer."""
THREADS = 2

Check = tuple[bytes, bytes, bytes]
"""(public key, message, signature)"""



class SignatureChecker:
    """Says of each received command whether its signature is good. Order is kept."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="signatures")

    async def check(self, batch: Sequence[Received | Unreadable], governance: Governance) -> list[bool]:
        """One answer for each; False where there is no command, no signature or no such key."""
        checks = [_check_of(received, governance) for received in batch]
        if len(checks) <= INLINE_MAX:
            return _verify_all(checks)
        loop = asyncio.get_running_loop()
        share = -(-len(checks) // THREADS)
        parts = await asyncio.gather(
            *(
                loop.run_in_executor(self._pool, _verify_all, checks[start : start + share])
                for start in range(0, len(checks), share)
            )
        )
        return [good for part in parts for good in part]

    def check_one(self, received: Received, governance: Governance) -> bool:
        """The answer for one, at once."""
        return _verify_all([_check_of(received, governance)])[0]

    def close(self) -> None:
        """End the threads."""
        self._pool.shutdown(wait=False, cancel_futures=True)


def _check_of(received: Received | Unreadable, governance: Governance) -> Check | None:
    if isinstance(received, Unreadable):
        return None
    key, signature = governance.keys.get(received.key_id), signature_bytes(received)
    if key is None or signature is None:
        return None
    return key.public_key, COMMAND_PREFIX + received.value_sha256, signature


def _verify_all(checks: Sequence[Check | None]) -> list[bool]:
    return [check is not None and verify(*check) for check in checks]
