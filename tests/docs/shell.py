"""A terminal that runs the blocks of a page as its reader would type them."""

import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import termios
import time
from pathlib import Path
from typing import Final, Self

_LOOP: Final = """
while IFS= read -r file <&3; do
  trap '__code=$?' ERR
  __code=0
  . "$file"
  trap - ERR
  printf '\\n<<ended %s>>\\n' "$__code"
done
"""
_ENDED: Final = re.compile(r"\n?<<ended (\d+)>>\n")
_SIZE: Final = (50, 110)
_ASKS: Final = "[y/N] "
_LIMIT_S: Final = 120.0


class Terminal:
    """One bash whose standard input and output are a terminal; variables persist from block to block."""

    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
        self._folder = folder
        self._terminal, inner = pty.openpty()
        fcntl.ioctl(inner, termios.TIOCSWINSZ, struct.pack("HHHH", *_SIZE, 0, 0))
        read, self._blocks = os.pipe()
        self._count = 0
        self._bash = subprocess.Popen(
            ["bash", "--norc", "-c", f"exec 3<&{read}{_LOOP}"],
            cwd=folder,
            env=environment,
            stdin=inner,
            stdout=inner,
            stderr=inner,
            pass_fds=(read,),
            start_new_session=True,
        )
        os.close(inner)
        os.close(read)

    def run(self, text: str, answer: str | None = None) -> tuple[int, str]:
        """Run a block; returns the code of the last command that failed (0 for none) and the output."""
        self._count += 1
        file = self._folder / f".block-{self._count}.sh"
        file.write_text(text, encoding="utf-8")
        os.write(self._blocks, f"{file}\n".encode())
        printed = self._until_ended(answer)
        [code] = _ENDED.findall(printed)
        return int(code), _ENDED.sub("", printed)

    def _until_ended(self, answer: str | None) -> str:
        printed, deadline = "", time.monotonic() + _LIMIT_S
        while not _ENDED.search(printed):
            left = deadline - time.monotonic()
            assert left > 0, f"no end within {_LIMIT_S:g} s: {printed}"
            if select.select([self._terminal], [], [], left)[0]:
                printed += os.read(self._terminal, 65_536).decode(errors="replace").replace("\r\n", "\n")
            if answer is not None and printed.endswith(_ASKS):
                os.write(self._terminal, f"{answer}\n".encode())
                answer = None
        assert answer is None, f"nothing was asked: {printed}"
        return printed

    def close(self) -> None:
        os.close(self._blocks)
        self._bash.wait(10)
        os.close(self._terminal)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class Background:
    """A command in its own terminal, such as `assent up`."""

    def __init__(self, text: str, folder: Path, environment: dict[str, str], until: str) -> None:
        self._log = folder / ".background.txt"
        with self._log.open("w") as file:
            self.process = subprocess.Popen(
                ["bash", "--norc", "-c", f"exec {text}"],
                cwd=folder,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
            )
        try:
            self._wait(until)
        except BaseException:
            self.process.kill()
            raise

    def _wait(self, until: str) -> None:
        deadline = time.monotonic() + _LIMIT_S
        while until not in self.printed():
            assert self.process.poll() is None, self.printed()
            assert time.monotonic() < deadline, self.printed()
            time.sleep(0.1)

    def printed(self) -> str:
        return self._log.read_text()
