"""`assent demo`: the main job on real input, from an empty directory to a verified ledger."""

import asyncio
import sys
from pathlib import Path
from typing import Annotated

import structlog
from cyclopts import Parameter
from rich.markup import escape

from assent.applier.target import Target
from assent.cli import output
from assent.cli.auditing import progressing, tell_tallies
from assent.cli.founding import found_locally
from assent.cli.options import Options, Reach, following, governance_of, publishing, reading
from assent.cli.running import board, stop_on_signals, tell_where
from assent.cli.views import audit_entry, print_timeline
from assent.demo.story import Opened, Story, read_changes
from assent.infra_files import infra_path
from assent.local import Directory
from assent.local.everything import Everything
from assent.store.queries import count_audit, show_request, timeline
from assent.verify.live import verify_governance, verify_requests
from assent_contracts.client.connection import Connection
from assent_contracts.client.keys import verify

_PARTITIONS = 4
_APPLIED_LIMIT_S = 60.0
_LOOK_S = 0.05
_DEFAULT_OPTIONS = Options(data=Path(".data/demo"))


def demo(
    *,
    once: Annotated[
        bool, Parameter(negative="", help="End after the demo: 0 only if every step held.")
    ] = False,
    options: Options = _DEFAULT_OPTIONS,
) -> None:
    """Play the main job on this machine: publish, approve, apply, verify. Stays up until Ctrl-C."""
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    held = asyncio.run(_demo(options.data, once=once))
    if not held:
        output.fail("A step of the demo did not hold.")


async def _demo(data: Path, *, once: bool) -> bool:
    stop = stop_on_signals()
    directory = Directory(data.resolve())
    if not (directory.root / "founded.json").exists():
        output.tell("Founding a log for the demo's people and policies.")
        file = infra_path("demo/governance.toml")
        await found_locally(directory, file, partitions=_PARTITIONS, make_missing_keys=True)
    with board() as shown:
        everything = Everything(data, progress=output.tell, on_change=shown)
        playing = asyncio.create_task(_play_and_stay(everything, stop, once=once))
        stopping = asyncio.create_task(stop.wait())
        try:
            await asyncio.wait({playing, stopping}, return_when=asyncio.FIRST_COMPLETED)
            return playing.result() if playing.done() else not once
        finally:
            for task in (playing, stopping):
                task.cancel()
            await asyncio.gather(playing, stopping, return_exceptions=True)
            await everything.stop()


async def _play_and_stay(everything: Everything, stop: asyncio.Event, *, once: bool) -> bool:
    await everything.start()
    held = await _play(everything)
    if not once:
        tell_where(everything)
        await stop.wait()
    return held


async def _play(everything: Everything) -> bool:
    stack = everything.stack
    to = Reach(Connection(bootstrap=stack.bootstrap), everything.founded.identity, stack.dsn)
    async with publishing(to, "assent-demo") as publisher:
        story = Story(publisher, everything.directory.keys, _tell)
        released = await story.play(read_changes(infra_path("demo/changes")))
    applied = [await _is_applied(to, everything.target, request) for request in released]
    return await _is_proved(to, released[0]) and story.held and all(applied)


def _tell(held: bool, what: str) -> None:
    mark = "[green]✔[/]" if held else "[bold red]✘ NOT AS EXPECTED[/]"
    output.out.print(f"{mark} {escape(what)}")


async def _is_applied(to: Reach, target: Path, request: Opened) -> bool:
    """Wait until the request has ended; then its file must hold just what was approved."""
    async with reading(to) as db, asyncio.timeout(_APPLIED_LIMIT_S):
        while (row := await show_request(db, request.id)) is None or row.status == "approved":
            await asyncio.sleep(_LOOK_S)
    content = await asyncio.to_thread(Target(target).path(request.change.resource).read_bytes)
    held = row.status == "completed" and content == request.change.applied
    _tell(held, f"{row.applier} applies {request.id}: {request.change.resource} is {row.status}")
    return held


async def _is_proved(to: Reach, request: Opened) -> bool:
    """Print the timeline of a request, the audit count, and whether all of it verifies."""
    governance = await verify_governance(to.connection, to.identity, verify)
    async with following(to) as follower:
        with progressing("verifying") as progress:
            partitions = governance_of(follower).partitions
            tallies = await verify_requests(to.connection, follower, partitions, verify, progress)
    ledgers = {"governance": governance.tally, **{str(number): tally for number, tally in tallies.items()}}
    recorded = sum(tally.records for tally in ledgers.values())
    async with reading(to) as db:
        async with asyncio.timeout(_APPLIED_LIMIT_S):
            while (audited := await count_audit(db)) < recorded:
                await asyncio.sleep(_LOOK_S)
        entries = [audit_entry(row) for row in await timeline(db, request.id)]
    output.out.print(f"\nTimeline of request {request.id}, {request.change.resource}:")
    print_timeline(entries)
    output.out.print()
    _tell(audited == recorded, f"the audit log has {audited:,} records, the ledgers have {recorded:,}")
    tell_tallies(ledgers)
    return audited == recorded
