"""Runs one process to its end, with limits on its time and on its output."""

import asyncio
import os
import signal
from asyncio.subprocess import PIPE, Process
from collections.abc import Mapping, Sequence
from contextlib import suppress

import msgspec

from assent.applier.targets.command.supervisor import CLEANED_WITHIN_S

_CHUNK = 64 * 1024


class Ended(msgspec.Struct, frozen=True, kw_only=True):
    """How a process ended."""

    code: int
    """The exit code; negative for a signal."""
    output: bytes
    """The beginning of what it printed."""
    errors: bytes
    """The beginning of its error output."""
    timed_out: bool


async def run_process(
    argv: Sequence[str],
    *,
    stdin: bytes,
    environment: Mapping[str, str],
    folder: str,
    timeout_s: float,
    output_max_bytes: int,
) -> Ended:
    """Run it under its supervisor, which leaves none of its processes, also when its time is over.

    Raises OSError.
    """
    process = await asyncio.create_subprocess_exec(
        *argv, stdin=PIPE, stdout=PIPE, stderr=PIPE, env=environment, cwd=folder, start_new_session=True
    )
    assert process.stdout is not None
    assert process.stderr is not None
    reading = [
        asyncio.create_task(_beginning(stream, output_max_bytes))
        for stream in (process.stdout, process.stderr)
    ]
    feeding = asyncio.create_task(_feed(process, stdin))
    timed_out = False
    try:
        async with asyncio.timeout(timeout_s):
            await process.wait()
    except TimeoutError:
        timed_out = True
    finally:
        await _end(process)
        feeding.cancel()
        # A process that left the group may still hold the pipes.
        await asyncio.wait(reading, timeout=1)
        for task in reading:
            task.cancel()
        kept = await asyncio.gather(*reading, return_exceptions=True)
        await asyncio.gather(feeding, return_exceptions=True)
    output, errors = (each if isinstance(each, bytes) else b"" for each in kept)
    return Ended(code=process.returncode or 0, output=output, errors=errors, timed_out=timed_out)


async def _end(process: Process) -> None:
    """The supervisor kills the command and whatever it has started. If it does not, it is killed itself."""
    if process.returncode is not None:
        return
    with suppress(ProcessLookupError):
        process.terminate()
    ended = asyncio.create_task(process.wait())
    try:
        await asyncio.wait({ended}, timeout=CLEANED_WITHIN_S + 1)
    finally:
        if process.returncode is None:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
    await ended


async def _feed(process: Process, stdin: bytes) -> None:
    assert process.stdin is not None
    # A command may end without having read everything.
    with suppress(BrokenPipeError, ConnectionResetError):
        process.stdin.write(stdin)
        await process.stdin.drain()
        process.stdin.close()
        await process.stdin.wait_closed()


async def _beginning(stream: asyncio.StreamReader, most: int) -> bytes:
    kept = b""
    while chunk := await stream.read(_CHUNK):
        kept += chunk[: most - len(kept)]
    return kept
