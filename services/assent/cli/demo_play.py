"""The demo's story, played on a local system and verified."""

import asyncio
from functools import partial
from pathlib import Path
from typing import Any

from aiokafka.errors import KafkaError
from rich.text import Text

from assent.applier.targets.files.folder import Folder
from assent.cli import output
from assent.cli.connection.log_access import LogAccess, reading_tables
from assent.cli.connection.projection_wait import projected
from assent.cli.connection.publishers import publishing
from assent.cli.formatting import print_timeline
from assent.cli.log_founding import found_log
from assent.cli.options import Options, Without
from assent.cli.process_log import log_to_file
from assent.cli.status_board import board, print_addresses
from assent.cli.stop_signals import stop_on_signals
from assent.cli.verification import print_verified, verify_live
from assent.demo.story import DemoStory, Opened, read_changes
from assent.founding.governance_file import read_governance_file
from assent.infra_files import infra_path
from assent.local import Directory
from assent.local.founded_log import is_founded
from assent.local.whole_system import WholeSystem
from assent.reading.audit_entries import audit_entry
from assent.reading.visible_text import visible
from assent.store.pool import Executor
from assent.store.queries import RequestView, count_audit, show_request, timeline
from assent.verify.finding import FindingError
from assent_contracts.client.connection import Connection
from assent_contracts.client.publisher import NotDecidedError

_PARTITIONS = 4
_APPLIED_LIMIT_S = 60.0


async def play(options: Options, *, once: bool, without: Without = ()) -> bool | None:
    """Found a log where there is none, run everything (but `without`), play the story and verify it.

    Returns whether every step held, or None when it was interrupted before that was known.
    """
    stop = stop_on_signals()
    directory = Directory(options.data.resolve())
    if not is_founded(directory):
        output.print_progress("Founding a log for the demo's people and policies.")
        founding = found_log(
            directory,
            infra_path("demo/governance.toml"),
            partitions=_PARTITIONS,
            make_missing_keys=True,
        )
        if not await _unless(stop, asyncio.create_task(founding)):
            return None
    log_to_file(options)
    with board() as shown:
        everything = WholeSystem(
            options.data, without=without, progress=output.print_progress, on_change=shown
        )
        playing = asyncio.create_task(_start_and_play(everything, applied="applier" not in without))
        try:
            if not await _unless(stop, playing):
                return None
            if not once:
                print_addresses(everything)
                _print_people(everything)
                await stop.wait()
            return playing.result()
        finally:
            output.print_progress("Stopping.")
            await everything.stop()


def _print_people(everything: WholeSystem) -> None:
    if everything.sign_in_link is None:
        return
    people = [
        each for each in read_governance_file(infra_path("demo/governance.toml")).principals if each.person
    ]
    names = ", ".join(f"{each.id} ({each.name})" for each in people)
    output.print_progress(f"Sign in with the link above as one of the demo's people: {names}.")


async def _unless(stop: asyncio.Event, task: asyncio.Task[Any]) -> bool:
    """Wait for the task. False when `stop` came first: then it is canceled. Raises what the task raises."""
    stopping = asyncio.create_task(stop.wait())
    try:
        await asyncio.wait({task, stopping}, return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            task.result()
        return task.done()
    finally:
        for each in (task, stopping):
            each.cancel()
        await asyncio.gather(task, stopping, return_exceptions=True)


async def _submission_of(access: LogAccess, request: str) -> str:
    async with reading_tables(access) as db:
        row = await show_request(db, request)
    return "" if row is None else row.submission


async def _start_and_play(everything: WholeSystem, *, applied: bool) -> bool:
    await everything.start()
    access = LogAccess(
        Connection(bootstrap=everything.stack.bootstrap), everything.founded.identity, everything.stack.dsn
    )
    try:
        async with publishing(access, "assent-demo", Options(data=everything.directory.root)) as publisher:
            story = DemoStory(
                publisher, everything.directory.keys, partial(_submission_of, access), _print_step
            )
            released = await story.play(read_changes(infra_path("demo/changes")))
        held = not applied or all([await _is_applied(access, everything.target, each) for each in released])
        return await _is_proved(access, released) and story.held and held and bool(released)
    except (NotDecidedError, FindingError, KafkaError, TimeoutError) as error:
        _print_step(str(error) or type(error).__name__, held=False)
        return False


def _print_step(what: str, held: bool) -> None:
    mark = Text("✔ ", style="green") if held else Text("✘ NOT AS EXPECTED ", style="bold red")
    output.print_block(mark + Text(visible(what), style="default"))


async def _is_applied(access: LogAccess, target: Path, request: Opened) -> bool:
    """Wait until the request has ended, and compare its file with what was approved."""
    async with reading_tables(access) as db:
        row = await projected(partial(_ended_row, db, request.id), within_s=_APPLIED_LIMIT_S)
    if row is None:
        raise TimeoutError
    try:
        content = await asyncio.to_thread(Folder(target).path(request.change.resource).read_bytes)
    except OSError:
        content = None
    held = row.status == "completed" and content == request.change.applied
    what = f"{row.applier} applies {request.id}: {request.change.resource} is {row.status}"
    _print_step(f"{what} ({row.outcome_message})" if row.outcome_message else what, held)
    return held


async def _ended_row(db: Executor, request: str) -> RequestView | None:
    row = await show_request(db, request)
    has_ended = row is not None and (row.status != "approved" or row.progress == "unknown")
    return row if has_ended else None


async def _is_proved(access: LogAccess, released: list[Opened]) -> bool:
    """Print the timeline of a request and the number of audit records, and verify the log."""
    found = await verify_live(access)
    recorded = sum(tally.records for tally in found.partitions.values())
    async with reading_tables(access) as db:
        audited = await projected(partial(_audited, db, recorded), within_s=_APPLIED_LIMIT_S)
        if audited is None:
            raise TimeoutError
        for request in released[:1]:
            entries = [audit_entry(row) for row in await timeline(db, request.id)]
            output.print_line()
            output.print_line(f"Timeline of request {request.id}, {request.change.resource}:")
            print_timeline(entries)
            output.print_line()
    _print_step(f"the audit log has {audited:,} records, the ledgers have {recorded:,}", audited == recorded)
    print_verified(found)
    return audited == recorded


async def _audited(db: Executor, recorded: int) -> int | None:
    """How many records the audit log has, once it has this many; None before."""
    count = await count_audit(db)
    return count if count >= recorded else None
