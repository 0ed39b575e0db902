"""Commands that run and inspect the local system: up, env, doctor."""

import asyncio
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.live import Live
from rich.table import Table

from assent.cli import output
from assent.cli.options import Options, following, reach
from assent.local.everything import Everything
from assent.local.supervisor import Status
from assent_contracts.digests import to_base64url

_DEFAULT_OPTIONS = Options()
_SHAPES = {"starting": "…", "up": "●", "backing off": "▲", "stopped": "○"}
_COLOURS = {"starting": "yellow", "up": "green", "backing off": "red", "stopped": "dim"}


def up(*, options: Options = _DEFAULT_OPTIONS) -> None:
    """Run all of Assent on this machine, until Ctrl-C."""
    asyncio.run(_up(options.data))


async def _up(data: Path) -> None:
    stop = stop_on_signals()
    with board() as shown:
        everything = Everything(data, progress=output.tell, on_change=shown)
        starting = asyncio.create_task(everything.start())
        stopping = asyncio.create_task(stop.wait())
        try:
            await asyncio.wait({starting, stopping}, return_when=asyncio.FIRST_COMPLETED)
            if stop.is_set():
                starting.cancel()
                await asyncio.gather(starting, return_exceptions=True)
            else:
                await starting
                tell_where(everything)
                await stopping
        finally:
            stopping.cancel()
            output.tell("Stopping.")
            await everything.stop()


def stop_on_signals() -> asyncio.Event:
    """An event that Ctrl-C and SIGTERM set."""
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    return stop


class Board:
    """What each service does at present, for people who watch."""

    def __init__(self) -> None:
        self._statuses: dict[str, Status] = {}
        self.live: Live | None = None

    def __call__(self, status: Status) -> None:
        """Take in a change."""
        self._statuses[status.name] = status
        if self.live is not None:
            self.live.update(self.table())
        else:
            output.tell(f"{status.name}: {status.state}" + (f" (pid {status.pid})" if status.pid else ""))

    def table(self) -> Table:
        """Name, state in a word and a shape, process, restarts."""
        table = Table("service", "state", "pid", "restarts", box=None, pad_edge=False)
        for status in self._statuses.values():
            state = f"[{_COLOURS[status.state]}]{_SHAPES[status.state]} {status.state}[/]"
            table.add_row(status.name, state, str(status.pid or ""), str(status.restarts))
        return table


@contextmanager
def board() -> Iterator[Board]:
    """A table that is redrawn in place on a terminal; plain lines elsewhere."""
    shown = Board()
    if not output.err.is_terminal:
        yield shown
        return
    with Live(shown.table(), console=output.err, refresh_per_second=8, transient=False) as live:
        shown.live = live
        yield shown


def tell_where(everything: Everything) -> None:
    """Say where everything is, once it is up."""
    data = everything.directory.root
    output.tell(f"Up. Kafka {everything.stack.bootstrap}, data {data}, applied changes {everything.target}")
    output.tell(f"Try: assent requests --data {data}    Stop: Ctrl-C")


def env(*, options: Options = _DEFAULT_OPTIONS) -> None:
    """Print how to reach the running log: Kafka, Postgres, its identity, its writers' keys."""
    to = reach(options)

    async def writers() -> dict[str, str]:
        async with following(to) as follower:
            return {key_id: to_base64url(key) for key_id, key in follower.writers.public_keys().items()}

    document = {
        "kafka": to.connection.bootstrap,
        "postgres": to.dsn,
        "identity": to.identity,
        "writers": asyncio.run(writers()),
    }
    if options.json:
        output.print_json(document)
        return
    output.out.print(f"export ASSENT_KAFKA={document['kafka']}", markup=False)
    output.out.print(f"export ASSENT_POSTGRES={document['postgres']}", markup=False)
    output.out.print(f"export ASSENT_IDENTITY={document['identity']}", markup=False)
    for key_id, public_key in document["writers"].items():
        output.out.print(f"# writer {key_id}: {public_key}", markup=False)


def doctor(
    *,
    options: Options = _DEFAULT_OPTIONS,
) -> None:
    """Look at everything that can be wrong, and say what to do about it. Exits 1 when something is."""
    from assent.cli.doctor import examine

    findings = asyncio.run(examine(options))
    if options.json:
        output.print_json(findings)
    else:
        for finding in findings:
            mark = "[green]ok  [/]" if finding.ok else "[red]WRONG[/]"
            output.out.print(f"{mark} {finding.what}" + ("" if finding.ok else f"\n      {finding.remedy}"))
    if not all(finding.ok for finding in findings):
        output.fail("Something is wrong.")
