"""Jars: fetched once for each user, and checked against this repository's pins at every start."""

import fcntl
import hashlib
import os
import shutil
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

KAFKA_VERSION = "4.3.1"
# slf4j-simple and not log4j: with log4j, another version of kafka-clients is resolved.
COORDINATES = f"org.apache.kafka:kafka_2.13:{KAFKA_VERSION}+org.slf4j:slf4j-simple:1.7.36"
PINS = Path(__file__).with_name("kafka-jars.sha256")


@dataclass(frozen=True)
class JarSet:
    """Jars that are fetched together."""

    what: str
    """For people, with the version."""
    coordinates: str
    """Maven's, joined by `+`."""
    pins: Path
    """`sha256  filename` of every jar, a line each."""
    folder: str
    """Where they are kept, in the cache."""


KAFKA = JarSet(f"Kafka {KAFKA_VERSION}", COORDINATES, PINS, "jars")


class JarsUnavailable(Exception):  # noqa: N818  the name is the message
    """The jars could not be fetched: no network or no space."""


class JarMismatch(Exception):  # noqa: N818  the name is the message
    """A jar is not the pinned one, or a pinned one was not among those fetched."""


def cache_directory() -> Path:
    """Where files are kept between stacks: `$ASSENT_CACHE`, else `~/.cache/assent/kafka-VERSION`.

    Only its owner can access it (0700), because its files are run as code.
    """
    chosen = os.environ.get("ASSENT_CACHE")
    path = Path(chosen) if chosen else Path.home() / ".cache" / "assent" / f"kafka-{KAFKA_VERSION}"
    path.mkdir(parents=True, exist_ok=True, mode=0o700)
    return path.resolve()


@contextmanager
def cache_lock(cache: Path) -> Iterator[None]:
    """Let one process at a time fill the cache. The others wait and find it full."""
    lock = os.open(cache / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for leftover in cache.glob("work-*"):  # left by a process that was killed
            shutil.rmtree(leftover, ignore_errors=True)
        yield
    finally:
        os.close(lock)


def kafka_jars(
    cache: Path, progress: Callable[[str], None], *, given_up: threading.Event | None = None
) -> list[Path]:
    """The jars to run Kafka with: 46 of 44 MB, fetched in about 20 s. As `pinned_jars`."""
    return pinned_jars(KAFKA, cache, progress, given_up=given_up)


def pinned_jars(
    jar_set: JarSet, cache: Path, progress: Callable[[str], None], *, given_up: threading.Event | None = None
) -> list[Path]:
    """The jars of a set, each with the SHA-256 that its pins give it.

    With all of them in `cache`, this needs no network and only hashes them. Otherwise they are fetched
    first. `progress` gets a line for each file. Blocks: call it in a thread. Set `given_up` to
    end it at the next file with JarsUnavailable.

    Raises JarsUnavailable, or JarMismatch, naming the jar. A wrong jar in the cache is not silently fetched
    again, because it should be noticed.
    """
    wanted = read_pins(jar_set.pins)
    jars = cache / jar_set.folder
    jars.mkdir(exist_ok=True)
    paths = [jars / name for name in wanted]
    if not all(path.exists() for path in paths):
        with cache_lock(cache):
            if not all(path.exists() for path in paths):
                _fetch(jar_set, cache, wanted, progress, given_up or threading.Event())
    for path in paths:
        _check(path, wanted[path.name], advice=f"delete {path} to fetch it again")
    return paths


def read_pins(pins: Path) -> dict[str, str]:
    """File name to lower-case hex SHA-256, in the order of the file (one `sha256  filename` a line)."""
    lines = (line.split() for line in pins.read_text().splitlines())
    return {name: digest for digest, name in lines}


def _fetch(
    jar_set: JarSet,
    cache: Path,
    wanted: dict[str, str],
    progress: Callable[[str], None],
    given_up: threading.Event,
) -> None:
    # Imported here: it takes 0.3 s and is needed once.
    from jgo.env import EnvironmentBuilder, LinkStrategy
    from jgo.maven import MavenContext, PythonResolver

    progress(f"fetching {jar_set.what} ({len(wanted)} jar{'s' * (len(wanted) > 1)}, once)")
    count = 0

    @contextmanager
    def each_file(name: str, size: int) -> Iterator[Callable[[int], None]]:
        nonlocal count
        if given_up.is_set():
            raise JarsUnavailable(f"cancelled before all jars of {jar_set.what} were fetched")
        if name.endswith(".jar"):
            count += 1
            progress(f"fetching {name} ({count} of {len(wanted)}, {size / 1e6:.1f} MB)")
        yield lambda _bytes: None

    # A separate repository: a file that an interrupted download left half-written in the user's own would be
    # taken as complete from then on.
    with tempfile.TemporaryDirectory(dir=cache, prefix="work-") as work:
        maven = MavenContext(
            resolver=PythonResolver(progress_callback=each_file), repo_cache=Path(work) / "repository"
        )
        builder = EnvironmentBuilder(maven, cache_dir=Path(work) / "jgo", link_strategy=LinkStrategy.HARD)
        try:
            fetched = {path.name: path for path in builder.from_endpoint(jar_set.coordinates).all_jars}
        except (OSError, RuntimeError, ValueError) as error:  # what jgo and requests raise
            raise JarsUnavailable(
                f"The jars of {jar_set.what} could not be fetched: {error}; they are needed once: "
                f"try again with a network, or copy them from another machine to {cache / jar_set.folder}"
            ) from error
        _check_names(set(fetched), set(wanted))
        for name, digest in wanted.items():
            _check(fetched[name], digest, advice="the fetched jar is not the pinned one")
        for name, path in fetched.items():
            path.replace(cache / jar_set.folder / name)


def _check_names(fetched: set[str], wanted: set[str]) -> None:
    if missing := wanted - fetched:
        raise JarMismatch(f"pinned but not among the fetched jars: {', '.join(sorted(missing))}")
    if extra := fetched - wanted:
        raise JarMismatch(f"fetched but not pinned: {', '.join(sorted(extra))}")


def _check(path: Path, wanted: str, *, advice: str) -> None:
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != wanted:
        raise JarMismatch(f"{path.name} has SHA-256 {found}, pinned is {wanted}: refused; {advice}")
