"""`python -m tests.support.cluster`: a cluster with every service on it, until Ctrl-C or SIGTERM."""

import asyncio
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from assent.cli.stop_signals import stop_on_signals
from assent.local import DirectoryInUse, JarMismatch, JarsUnavailable, NoSystemUser, StartFailed
from assent.observe.readiness import readiness
from assent_contracts.client.outage_lines import few_lines_of_aiokafka
from tests.support.cluster.cluster import PLACE, Cluster, ClusterError
from tests.support.cluster.services import INSTANCES, NAMES, ClusterServices
from tests.support.services import ROOT, Running, Services

_LOOK_S: Final = 0.5


def tell(line: str) -> None:
    """Print a line at once, for people."""
    print(line, file=sys.stderr, flush=True)


async def run(folder: Path, stop: asyncio.Event) -> None:
    """Run everything until `stop`."""
    starting = asyncio.create_task(_run(folder, stop))
    stopping = asyncio.create_task(stop.wait())
    await asyncio.wait({starting, stopping}, return_when=asyncio.FIRST_COMPLETED)
    if not starting.done():
        tell("Stopping.")
        starting.cancel()
    stopping.cancel()
    await asyncio.gather(starting, stopping, return_exceptions=True)
    if not starting.cancelled():
        starting.result()


async def _run(folder: Path, stop: asyncio.Event) -> None:
    cluster = Cluster(folder, tell)
    logs = folder / "services"
    logs.mkdir(exist_ok=True)
    with cluster.directory.owned():
        async with cluster, Services(logs, {}) as services:
            tell("Starting the services, two of each.")
            made = ClusterServices(cluster, services)  # its ports are held until this process ends
            started = [made.start(name, instance) for name in NAMES for instance in INSTANCES]
            await _ready(made, started)
            _explain(cluster, made)
            while not stop.is_set():
                for each in started:
                    each.revive()
                await asyncio.sleep(_LOOK_S)


async def _ready(made: ClusterServices, started: Sequence[Running]) -> None:
    waiting = {each.name for each in started}
    while waiting:
        answers = await asyncio.gather(
            *(
                asyncio.to_thread(readiness, f"http://127.0.0.1:{made.ports[name]}")
                for name in sorted(waiting)
            )
        )
        for name, answer in zip(sorted(waiting), answers, strict=True):
            if not answer.missing:
                waiting.remove(name)
                tell(f"{name} is ready, {len(waiting)} are not yet.")
        for each in started:
            each.revive()
        await asyncio.sleep(_LOOK_S)


def _explain(cluster: Cluster, made: ClusterServices) -> None:
    environ = cluster.environment("cli") | {"ASSENT_DATA": str(cluster.keys.parent)}
    file = cluster.directory.root / "cli.env"
    file.touch(0o600)
    file.write_text("".join(f"export {name}={shlex.quote(value)}\n" for name, value in environ.items()))
    tell("")
    tell("Up. In another terminal, as the login `cli`:")
    tell(f"    . {file}")
    tell("    assent doctor")
    tell("    echo '\"echo hello\"' | assent submit script/hello.sh - -j 'It is needed.' --as device-config")
    tell(
        f"Logs: {cluster.directory.logs} and {cluster.directory.root / 'services'}. Ctrl-C stops everything."
    )


def main() -> None:
    """Exits 1 with a line if it cannot be started."""
    few_lines_of_aiokafka()
    folder = (ROOT / PLACE).resolve()
    folder.mkdir(parents=True, exist_ok=True)

    async def all_of_it() -> None:
        await run(folder, stop_on_signals())

    try:
        asyncio.run(all_of_it())
    except (ClusterError, DirectoryInUse, JarMismatch, JarsUnavailable, NoSystemUser, StartFailed) as error:
        sys.exit(f"cluster: {error}")


if __name__ == "__main__":
    main()
