"""The product's services as real processes that a test kills, pauses and continues by their exact pids."""

import asyncio
import importlib.util
import os
import signal
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.support.forked import Forked

ROOT = Path(__file__).parents[2]
_SHOWN_LINES = 25
_STOP_LIMIT_S = 15.0


def dies_with_us(by: signal.Signals = signal.SIGKILL) -> list[str]:
    """The command prefix with which a program gets a signal when this process ends."""
    found = importlib.util.find_spec("assent.local")
    assert found is not None
    assert found.origin is not None
    wrapper = Path(found.origin).with_name("die_with_parent.py")
    return [sys.executable, "-I", "-S", str(wrapper), str(os.getpid()), str(int(by)), "-"]


class Running:
    """One process. Its output goes to a log, which is appended to over its restarts."""

    def __init__(self, name: str, module: list[str], environ: dict[str, str], log: Path) -> None:
        self.name = name
        self.log = log
        self.deaths: list[int] = []
        """Exit codes of when it ended by itself."""
        self._module, *self._arguments = module
        self._environ = environ
        self._popen = self._start()

    @property
    def pid(self) -> int:
        return self._popen.pid

    def _start(self) -> Forked:
        with self.log.open("ab") as output, Path(os.devnull).open("rb") as nothing:
            return Forked(
                self._module,
                self._arguments,
                environ=self._environ,
                stdin=nothing.fileno(),
                stdout=output.fileno(),
                stderr=output.fileno(),
                folder=ROOT,
            )

    def revive(self) -> None:
        """Start it again if it has ended by itself, as a supervisor would."""
        code = self._popen.poll()
        if code is not None:
            self.deaths.append(code)
            self._popen = self._start()

    def kill(self) -> None:
        """SIGKILL, and start it again."""
        self._popen.kill()
        self._popen.wait()
        self._popen = self._start()

    def pause(self) -> None:
        """SIGSTOP: it keeps its connections, and does not notice the time that passes."""
        self._popen.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """SIGCONT."""
        self._popen.send_signal(signal.SIGCONT)

    def ask_to_stop(self) -> None:
        """SIGTERM."""
        if self._popen.poll() is None:
            self._popen.send_signal(signal.SIGCONT)
            self._popen.terminate()

    def gone(self) -> None:
        """Wait for its end; SIGKILL if it takes too long."""
        try:
            self._popen.wait(_STOP_LIMIT_S)
        except subprocess.TimeoutExpired:
            self._popen.kill()
            self._popen.wait()

    def says(self, text: str) -> int:
        """How often a text is in its log."""
        return self.log.read_text(errors="replace").count(text)

    def tail(self) -> str:
        """The last lines of its log."""
        lines = self.log.read_text(errors="replace").splitlines()
        return "\n".join(line[:400] for line in lines[-_SHOWN_LINES:])


class Services:
    """The processes of one test. If the test fails, the ends of their logs are printed."""

    def __init__(self, folder: Path, environ: dict[str, str]) -> None:
        """`environ`: the environment of every service, in addition to what `start` adds."""
        self.folder = folder
        self.running: dict[str, Running] = {}
        kept = {
            name: os.environ[name]
            for name in ("PATH", "HOME", "LANG", "TMPDIR", "PYTHONPATH")
            if name in os.environ
        }
        self.environ = {**kept, **environ}

    def start(self, name: str, instance: str = "", *, module: str = "", **more: str) -> Running:
        """Start `assent.NAME` (or another module with arguments); `instance` distinguishes equal names."""
        title = name + instance
        command = (module or f"assent.{name}").split()
        started = Running(title, command, {**self.environ, **more}, self.folder / f"{title}.log")
        self.running[title] = started
        return started

    def revive(self) -> None:
        """Start what has ended by itself."""
        for each in self.running.values():
            each.revive()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for each in self.running.values():
            each.ask_to_stop()
        for each in self.running.values():
            await asyncio.to_thread(each.gone)
        if error is not None:
            for each in self.running.values():
                print(f"--- {each.name} (ended by itself with {each.deaths})\n{each.tail()}")
