"""What is where below the data directory, who owns it, and what its readers learn from it."""

import fcntl
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from assent.local.process_identity import ProcessIdentity, identity_of


class StackNotRunning(Exception):  # noqa: N818  the name is the message
    """No stack runs on this data directory."""

    def __init__(self, data: Path) -> None:
        super().__init__(f"no stack runs on {data}; start one with: assent up --data {data}")


class DirectoryInUse(Exception):  # noqa: N818  the name is the message
    """Another process runs a stack on this data directory."""

    def __init__(self, data: Path, owner: str) -> None:
        super().__init__(
            f"{data} is in use by process {owner or 'unknown'}; stop it, or choose another --data"
        )


@dataclass(frozen=True)
class Directory:
    """The layout below `root`, an absolute path. Nothing is created before `create()`."""

    root: Path

    @property
    def logs(self) -> Path:
        return self.root / "logs"

    @property
    def keys(self) -> Path:
        return self.root / "keys"

    @property
    def secrets(self) -> Path:
        return self.root / "secrets"

    @property
    def kafka(self) -> Path:
        return self.root / "kafka"

    @property
    def postgres(self) -> Path:
        return self.root / "postgres"

    @property
    def run(self) -> Path:
        """One file per process that was started here: see `process.spawn`."""
        return self.root / "run"

    @property
    def ports(self) -> Path:
        return self.root / "ports.json"

    @property
    def env(self) -> Path:
        return self.root / "env.json"

    @property
    def clock(self) -> Path:
        """What this machine's clock is believed to be, as the decider notes it."""
        return self.root / "clock.json"

    def log(self, name: str) -> Path:
        return self.logs / f"{name}.log"

    def create(self) -> None:
        """Make the directories. Keys and secrets are for the owner alone (0700). Safe to repeat."""
        self.root.mkdir(parents=True, exist_ok=True)
        for shared in (self.logs, self.run):
            shared.mkdir(exist_ok=True)
        for private in (self.keys, self.secrets):
            private.mkdir(exist_ok=True)
            private.chmod(0o700)

    @contextmanager
    def owned(self) -> Iterator[None]:
        """Hold the directory for this process.

        The lock is the kernel's and ends with the process, so a kill -9 leaves nothing to clean up.

        Raises DirectoryInUse when it is already held, also by this process.
        """
        lock = os.open(self.root / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise DirectoryInUse(self.root, os.read(lock, 32).decode().strip()) from None
            os.ftruncate(lock, 0)
            os.pwrite(lock, f"{os.getpid()}\n".encode(), 0)
            yield
        finally:
            os.close(lock)

    def write_env(self, values: Mapping[str, str]) -> None:
        """Write how to reach the running stack, replacing what was there.

        The file is 0600 because the values contain a password. It also names the calling process, so that a
        reader can tell a running stack from one that was killed.
        """
        owner = identity_of(os.getpid())
        assert owner is not None
        document = {"owner": owner.as_json(), "values": dict(values)}
        replace_file(self.env, json.dumps(document, indent=2) + "\n", mode=0o600)

    def read_env(self) -> dict[str, str]:
        """What `write_env` wrote last. Raises StackNotRunning when its writer has ended."""
        try:
            document = json.loads(self.env.read_text())
        except FileNotFoundError:
            raise StackNotRunning(self.root) from None
        if not ProcessIdentity.from_json(document["owner"]).alive:
            raise StackNotRunning(self.root)
        return dict(document["values"])

    def remove_env(self) -> None:
        self.env.unlink(missing_ok=True)


def replace_file(path: Path, text: str, *, mode: int = 0o644) -> None:
    """Replace `path` as a whole: a reader finds the old text or the new one, never a part of it."""
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, mode)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)
