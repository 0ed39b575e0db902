"""Worker processes check signatures when many arrive."""

import asyncio
import signal
import subprocess
import sys

import psutil
import pytest

from assent.decider.signature_checker import INLINE_MAX, SignatureChecker
from assent_contracts.client.keys import SecretKey, signed_headers
from assent_contracts.codec import encode
from assent_contracts.core.received import Envelope, Omitted, open_envelope
from tests.support.people import key_of
from tests.support.stack import until
from tests.support.stories import IDENTITY, Story

_HOLDS_A_POOL = """
import time
from assent.decider.signature_checker import SignatureChecker, _verify_all

if __name__ == "__main__":
    checker = SignatureChecker("0" * 64)
    for _ in range(8):
        checker._pool.submit(_verify_all, bytes(1_460_000))
    checker._pool.submit(_verify_all, b"").result()
    print("ready", flush=True)
    time.sleep(600)
"""


def _envelope(story: Story, secret: SecretKey, *, spoil: bool) -> Envelope | Omitted:
    command = story.command("alice", "submits")
    value = encode(command)
    headers = signed_headers(secret, IDENTITY, command, value, "tests")
    if spoil:
        headers[-1] = (headers[-1][0], b"A" * 86)
    return open_envelope(value, command.resource.encode(), headers)


@pytest.mark.parametrize("count", [1, INLINE_MAX, INLINE_MAX + 1, 301])
async def test_each_command_gets_its_own_answer(count: int) -> None:
    story, secret = Story(), SecretKey(key_of("alice").id, "alice")
    unreadable = open_envelope(b"", None, [])
    expected = [number % 3 == 0 for number in range(count)]
    batch = [
        unreadable if number % 3 == 1 else _envelope(story, secret, spoil=number % 3 == 2)
        for number in range(count)
    ]
    key = secret.public_key
    keys = [None if isinstance(each, Omitted) else key for each in batch]
    checker = SignatureChecker(IDENTITY)
    try:
        assert await checker.check(batch, keys) == expected
    finally:
        checker.close()


async def test_workers_end_with_a_decider_that_is_killed() -> None:
    holder = await asyncio.create_subprocess_exec(sys.executable, "-c", _HOLDS_A_POOL, stdout=subprocess.PIPE)
    try:
        assert holder.stdout is not None
        assert await holder.stdout.readline() == b"ready\n"
        workers = psutil.Process(holder.pid).children(recursive=True)
        assert workers
    finally:
        holder.send_signal(signal.SIGKILL)
        await holder.communicate()

    async def all_gone() -> bool:
        return not any(worker.is_running() and worker.status() != "zombie" for worker in workers)

    await until(all_gone, timeout_s=10)
