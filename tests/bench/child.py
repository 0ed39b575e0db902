"""A measurement in its own process: how it receives its job, reports its progress, and answers."""

import asyncio
import os
import re
import sys
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import Callable, Mapping
from pathlib import Path

import msgspec
import psutil

Told = Callable[[int, int], None]
"""(done, total)"""

_MIB = 1024 * 1024
_LINE_MAX_BYTES = 64 * _MIB
_STALLED_AFTER_S = 120.0
"""A child that is silent for this long is abandoned."""


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """What a measuring process works on."""

    commands: int
    refusals: int = 0
    """How many of the commands are refused."""
    check: bool = True
    """Whether signatures are checked; if not, every signature is accepted."""
    topic: str = ""
    max_records: int | None = None
    """At most this many records per poll; None takes what has arrived."""
    rate: int = 0
    """Submits per second."""
    warm_up: int = 0
    """Submissions at the start that are not counted."""
    url: str = ""
    """The address of the gateway, or the DSN of the database that is queried instead."""
    view: str = ""
    """A list and its viewer, such as `mine alice`."""
    newest_ms: int = 0
    """When the newest request changed."""
    streams: int = 0
    """Event streams to open."""
    pid: int = 0
    """The gateway's."""


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What a measuring process found."""

    seconds: float
    peak_mib: float
    latencies_ms: list[float] = []
    kib_each: float = 0
    """Memory of the gateway for each stream."""


class _Line(msgspec.Struct):
    done: int = 0
    of: int = 0
    answer: Answer | None = None


class ChildFailedError(Exception):
    """A measuring process ended without an answer; the message contains its last lines."""


def job() -> Job:
    """In the child: what to do."""
    return msgspec.json.decode(sys.argv[1], type=Job)


def tell(done: int, of: int) -> None:
    """In the child: report progress."""
    _write(_Line(done=done, of=of))


def answer(seconds: float, latencies_ms: list[float] | None = None, *, kib_each: float = 0) -> None:
    """In the child: report the result, with the peak memory of this process so far."""
    found = Answer(
        seconds=seconds,
        peak_mib=peak_mib(os.getpid()),
        latencies_ms=latencies_ms or [],
        kib_each=kib_each,
    )
    _write(_Line(answer=found))


def _write(line: _Line) -> None:
    sys.stdout.buffer.write(msgspec.json.encode(line) + b"\n")
    sys.stdout.buffer.flush()


def peak_mib(pid: int) -> float:
    """The peak resident memory of a live process, MiB.

    Not getrusage's: ru_maxrss of a child starts with its parent's value when the child was started.
    """
    try:
        peak = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    except FileNotFoundError:
        peak = None
    return int(peak[1]) / 1024 if peak else psutil.Process(pid).memory_info().rss / _MIB


def quantile_of(found: Answer, quantile: float) -> float:
    """A quantile of the latencies, ms."""
    ordered = sorted(found.latencies_ms)
    return ordered[min(len(ordered) - 1, int(len(ordered) * quantile))]


async def measure(module: str, work: Job, *, env: Mapping[str, str], log: Path, told: Told) -> Answer:
    """Run `python -m tests.bench.<module>` on a job, with `env` added. Raises ChildFailedError."""
    with log.open("ab") as errors:
        child = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", f"tests.bench.{module}", msgspec.json.encode(work).decode()),
            env={**os.environ, **env},
            stdin=DEVNULL,
            stdout=PIPE,
            stderr=errors,
            limit=_LINE_MAX_BYTES,
        )
    assert child.stdout is not None
    found: Answer | None = None
    try:
        while text := await asyncio.wait_for(child.stdout.readline(), _STALLED_AFTER_S):
            line = msgspec.json.decode(text, type=_Line)
            found = line.answer or found
            if line.answer is None:
                told(line.done, line.of)
        await child.wait()
    except TimeoutError:
        raise ChildFailedError(f"{module} said nothing for {_STALLED_AFTER_S:.0f} s:\n{_tail(log)}") from None
    finally:
        if child.returncode is None:
            child.kill()
            await child.wait()
    if found is None or child.returncode != 0:
        raise ChildFailedError(f"{module} ended with {child.returncode}:\n{_tail(log)}")
    return found


def _tail(log: Path) -> str:
    return "\n".join(log.read_text(errors="replace").splitlines()[-20:])
