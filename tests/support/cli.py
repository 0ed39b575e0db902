"""The real `assent` command, as its users run it."""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from tests.support import forked

COMMAND = Path(sys.executable).with_name("assent")
_LIMIT_S = 60.0


@dataclass(frozen=True)
class Answer:
    """A command's exit code and output."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@dataclass
class Cli:
    """`assent` with a data directory."""

    data: Path
    env: dict[str, str] = field(default_factory=dict)
    cold: bool = False
    """Start Python for each command, instead of forking a process that has imported what commands need."""

    def environment(self) -> dict[str, str]:
        plain = {name: value for name, value in os.environ.items() if not name.startswith("ASSENT_")}
        return plain | {"ASSENT_DATA": str(self.data)} | self.env

    def start(self, *arguments: str, **more: Any) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [COMMAND, *arguments],
            env=self.environment(),
            stdin=more.get("stdin", subprocess.DEVNULL),
            stdout=more.get("stdout", subprocess.PIPE),
            stderr=more.get("stderr", subprocess.PIPE),
            text=True,
        )

    def __call__(self, *arguments: str, stdin: bytes | None = None, limit_s: float = _LIMIT_S) -> Answer:
        environ, content = self.environment(), b"" if stdin is None else stdin
        # A fork does not do what the environment makes Python do at its start.
        if self.cold or "PYTHONPATH" in self.env:
            done = subprocess.run(
                [COMMAND, *arguments],
                env=environ,
                input=content,
                capture_output=True,
                timeout=limit_s,
                check=False,
            )
        else:
            done = forked.run("assent.cli", arguments, environ=environ, stdin=content, limit_s=limit_s)
        answer = Answer(done.returncode, done.stdout.decode(), done.stderr.decode())
        assert "Traceback" not in answer.err, answer.err
        return answer

    def submit(self, resource: str, payload: bytes, *more: str, who: str = "device-config") -> str:
        """Returns the request's id."""
        arguments = ("submit", resource, "-", "-j", "because", "--as", who, "--json", *more)
        answer = self(*arguments, stdin=payload)
        assert answer.code == 0, answer
        return answer.json["request"]

    def until_status(self, request: str, status: str, *, limit_s: float = 30.0) -> dict[str, Any]:
        deadline = time.monotonic() + limit_s
        while True:
            answer = self("show", request, "--json")
            # The lists may not contain the request yet.
            row = answer.json["request"] if answer.code == 0 else {}
            if row.get("status") == status:
                return row
            assert time.monotonic() < deadline, answer
            time.sleep(0.1)


class Up:
    """`assent up`, running; its lines are in `log`. It has printed `says`."""

    def __init__(self, cli: Cli, log: Path, *, says: str = "Up. ") -> None:
        self.cli, self.log = cli, log
        with log.open("w") as file:
            self.process = cli.start("up", stdout=file, stderr=subprocess.STDOUT)
        self.wait_for(says)

    def lines(self) -> list[str]:
        return self.log.read_text().splitlines()

    def wait_for(self, text: str, *, times: int = 1, limit_s: float = _LIMIT_S) -> None:
        deadline = time.monotonic() + limit_s
        while sum(text in line for line in self.lines()) < times:
            assert self.process.poll() is None, self.log.read_text()
            assert time.monotonic() < deadline, self.log.read_text()
            time.sleep(0.1)

    def pid(self, name: str) -> int:
        return json.loads((self.cli.data / "run" / f"{name}.json").read_text())["pid"]

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Stop it; returns its exit code, after checking that none of its processes is left."""
        family = psutil.Process(self.process.pid).children(recursive=True)
        self.process.send_signal(number)
        code = self.process.wait(_LIMIT_S)
        _, left = psutil.wait_procs(family, timeout=5)
        assert not left, left
        return code
