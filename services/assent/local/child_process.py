"""One child process: started so that it ends with us, and recorded so that a successor can end it."""

import asyncio
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

from assent.local.data_directory import Directory, replace_file
from assent.local.process_identity import ProcessIdentity, identity_of

_WRAPPER = Path(__file__).with_name("die_with_parent.py")
_POLL_S = 0.02
_SHOWN_LINES = 20
_OUTPUT_BYTES = 262_144
_ERROR = re.compile(r"\b(ERROR|FATAL)\b|Exception in|^Error")
_KILL_LIMIT_S = 10.0
_KEPT_VARIABLES = ("HOME", "LANG", "LD_LIBRARY_PATH", "PATH", "TMPDIR", "TZ")


class StartFailed(Exception):  # noqa: N818  the name is the message
    """A process ended, or was not ready in time. Names its log and shows the important lines.

    `output`: the last 256 KiB that the process wrote.
    """

    def __init__(self, name: str, reason: str, log: Path, output: str) -> None:
        super().__init__(f"{name} {reason}; from {log}:\n{_telling_lines(output) or '(it wrote nothing)'}")
        self.output = output


@dataclass(frozen=True)
class SystemUser:
    """An account of the operating system, by number."""

    uid: int
    gid: int


@dataclass
class Child:
    """A process started by this one, the leader of its own session.

    Its state is polled, not watched by an event loop, so that a child may outlive the loop in which it was
    started.
    """

    name: str
    log: Path
    popen: subprocess.Popen[bytes]
    record: Path
    log_start: int

    @property
    def pid(self) -> int:
        return self.popen.pid

    @property
    def running(self) -> bool:
        return self.popen.poll() is None

    def output(self) -> str:
        """The last 256 KiB that this child wrote, without the output of earlier ones."""
        with self.log.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(self.log_start, size - _OUTPUT_BYTES))
            return file.read().decode(errors="replace")

    def failed(self, reason: str) -> StartFailed:
        return StartFailed(self.name, reason, self.log, self.output())

    async def ended(self) -> int:
        """Wait for the process to end; return its exit code, or minus the number of the signal."""
        while (code := self.popen.poll()) is None:
            await asyncio.sleep(_POLL_S)
        self.record.unlink(missing_ok=True)
        return code

    async def ready(self, answers: Callable[[], Awaitable[bool]], *, limit_s: float) -> None:
        """Wait until `answers()` is true. Otherwise kill the process and raise StartFailed."""
        try:
            async with asyncio.timeout(limit_s):
                while self.running and not await answers():
                    await asyncio.sleep(_POLL_S)
            ended = not self.running
        except TimeoutError:
            await self.kill()
            raise self.failed(f"was not ready after {limit_s:.0f} s") from None
        except BaseException:
            await self.kill()
            raise
        if ended:
            await self.ended()
            raise self.failed("ended before it was ready")

    async def succeeded(self, *, limit_s: float) -> None:
        """Wait for it to end with exit code 0. Otherwise kill it and raise StartFailed."""
        try:
            async with asyncio.timeout(limit_s):
                code = await self.ended()
        except TimeoutError:
            raise self.failed(f"took more than {limit_s:.0f} s") from None
        finally:
            await self.kill()
        if code != 0:
            raise self.failed(f"ended with code {code}")

    async def stop(self, polite: signal.Signals, *, limit_s: float) -> None:
        """Send `polite`, wait for `limit_s` seconds, then kill it and everything that it started."""
        family = _family(self.pid) if self.running else []
        if self.running:
            self.popen.send_signal(polite)
            try:
                async with asyncio.timeout(limit_s):
                    await self.ended()
            except TimeoutError:
                self.popen.kill()
        await self.ended()
        await _kill(family)

    async def kill(self) -> None:
        """SIGKILL to the process alone, then wait until what it had started has ended as well."""
        family = _family(self.pid) if self.running else []
        self.popen.kill()
        await self.ended()
        # Postgres's backends end by themselves when they see that the postmaster has ended.
        await _gone(family, limit_s=2.0)
        await _kill(family)


def plain_environment(**more: str) -> dict[str, str]:
    """A short environment: PGPORT, JAVA_TOOL_OPTIONS and so on are meant for other programs."""
    return {name: os.environ[name] for name in _KEPT_VARIABLES if name in os.environ} | more


def spawn(
    name: str,
    argv: Sequence[str],
    *,
    directory: Directory,
    env: Mapping[str, str],
    user: SystemUser | None = None,
    death_signal: signal.Signals = signal.SIGKILL,
) -> Child:
    """Start `argv` in its own session, with its output appended to the log called `name`.

    On Linux it gets `death_signal` when the calling thread ends, however that ends, so call it from the main
    thread. Elsewhere `end_stale` finds it later by the record that is written here.
    """
    log = directory.log(name)
    record = directory.run / f"{name}.json"
    who = f"{user.uid}:{user.gid}" if user else "-"
    wrapper = [sys.executable, "-I", "-S", str(_WRAPPER), str(os.getpid()), str(int(death_signal)), who]
    with log.open("ab") as output:
        log_start = output.tell()
        popen = subprocess.Popen(
            [*wrapper, *argv],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=dict(env),
            cwd=directory.root,
            start_new_session=True,
        )
    if identity := identity_of(popen.pid):
        replace_file(record, json.dumps(identity.as_json()) + "\n")
    return Child(name, log, popen, record, log_start)


async def end_stale(name: str, *, directory: Directory) -> None:
    """End the process called `name` that a killed owner left behind, if it still runs."""
    record = directory.run / f"{name}.json"
    try:
        identity = ProcessIdentity.from_json(json.loads(record.read_text()))
    except FileNotFoundError:
        return
    if identity.alive:
        # The process first: a postmaster that sees a killed backend would start others.
        await _kill([*_processes(identity), *_family(identity.pid)])
    record.unlink(missing_ok=True)


def _telling_lines(output: str) -> str:
    """20 lines: from the first error on, or else the last ones.

    Kafka's last lines are about its shutdown; the reason for it is far above.
    """
    lines = output.splitlines()
    errors = (number for number, line in enumerate(lines) if _ERROR.search(line))
    first = next(errors, max(0, len(lines) - _SHOWN_LINES))
    return "\n".join(lines[first : first + _SHOWN_LINES])


def _processes(identity: ProcessIdentity) -> list[psutil.Process]:
    process = identity.process()
    return [process] if process else []


def _family(pid: int) -> list[psutil.Process]:
    try:
        return psutil.Process(pid).children(recursive=True)
    except psutil.NoSuchProcess:
        return []


async def _kill(processes: Sequence[psutil.Process]) -> None:
    for process in processes:
        try:
            process.kill()  # psutil compares the start time first
        except psutil.NoSuchProcess:
            continue
    await _gone(processes, limit_s=_KILL_LIMIT_S)


async def _gone(processes: Sequence[psutil.Process], *, limit_s: float) -> None:
    try:
        async with asyncio.timeout(limit_s):
            while any(_lives(process) for process in processes):
                await asyncio.sleep(_POLL_S)
    except TimeoutError:
        return


def _lives(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
