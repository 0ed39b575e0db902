"""Reads from the accepted ledger what became of this service's commands, and of the requests of its gates.

A projector calls it inside the transaction that moves the position, so each decision counts once.
"""

from collections.abc import Sequence
from typing import Final

import structlog
from aiokafka import TopicPartition

from assent.observe import metrics
from assent.store.pool import PostgresConnection
from assent.upstream import commands, events, gate_messages, gate_rows
from assent.upstream.commands import SentCommand
from assent.upstream.gate_rules import Progress, progress_after
from assent.upstream.gate_steps import Gates, progressed
from assent_contracts.acceptance import Accepted
from assent_contracts.digests import sha256_hex
from assent_contracts.events import ChangeClaimed, ChangeSubmitted, OfNoRequest, RequestEvent
from assent_contracts.ledger import (
    LedgerRecord,
    OmittedCommand,
    RecordedCommand,
    decode_events,
    decode_recorded_command,
    decode_refusal,
)
from assent_contracts.refusals import Refusal, RefusalCode

_REPEATED: Final = "It was decided before this database knew of it: look for its command id in the audit log."
log = structlog.get_logger(__name__)


class DecisionIntake:
    """Writes what decisions mean for events, requests and callers."""

    def __init__(self, gates: Gates) -> None:
        self._gates = gates

    async def write(
        self, connection: PostgresConnection, place: TopicPartition, accepted: Sequence[Accepted]
    ) -> None:
        """Take these records, in order."""
        records = [each.record for each in accepted]
        ours = await _ours(connection, place.partition, records)
        told = [(record, _request_events(record)) for record in records]
        changes = await self._changes(connection, ours)
        known = await gate_rows.lock_requests(
            connection, {each.request for _, happened in told for each in happened}
        )
        for record, happened in told:
            command = ours.pop(record.seq, None)
            if command is not None:
                await self._decided(connection, command, record, happened, known, changes)
            await self._happened(connection, record, happened, known)

    async def _decided(
        self,
        connection: PostgresConnection,
        command: SentCommand,
        record: LedgerRecord,
        happened: tuple[RequestEvent, ...],
        known: dict[str, gate_rows.GateRequest],
        changes: dict[int, tuple[str, str]],
    ) -> None:
        refusal = decode_refusal(record)
        if refusal is not None and refusal.code == RefusalCode.TOO_MANY_COMMANDS:
            await commands.again_at(connection, command.id, refusal.again_at or record.at)
            return
        await commands.decided(connection, command.id, None if refusal is None else refusal.code)
        log.info(
            "decided",
            source=command.source,
            purpose=command.purpose,
            received=command.event,
            request=happened[0].request if happened else command.request,
            refusal=None if refusal is None else refusal.code,
        )
        if command.purpose != "submit":
            if refusal is not None and command.request is not None:
                await gate_rows.note(connection, command.request, f"{refusal.code}: {refusal.detail}")
            return
        assert command.event is not None, "a submission is of an event"
        opened = next((each for each in happened if isinstance(each, ChangeSubmitted)), None)
        change = changes.get(command.event)
        if opened is None:
            await self._refused(connection, command, command.event, change, refusal)
            return
        metrics.UPSTREAM_EVENTS.labels(command.source, "submitted").inc()
        await connection.execute(events.SQL["submitted"], command.event, opened.request)
        if change is not None:
            await self._opened(connection, record, opened, change)
            known |= await gate_rows.lock_requests(connection, [opened.request])

    async def _changes(
        self, connection: PostgresConnection, ours: dict[int, SentCommand]
    ) -> dict[int, tuple[str, str]]:
        """By event, the changes that gates asked for: locked, so that no caller joins in between."""
        found: dict[int, tuple[str, str]] = {}
        submitted = [each.event for each in ours.values() if each.event is not None]
        for change, of in await gate_rows.changes_of_events(connection, submitted):
            await gate_rows.lock_change(connection, *change)
            found |= dict.fromkeys(of, change)
        return found

    async def _opened(
        self,
        connection: PostgresConnection,
        record: LedgerRecord,
        opened: ChangeSubmitted,
        change: tuple[str, str],
    ) -> None:
        source, digest = change
        message = gate_messages.waiting(self._gates.console, opened.request, None)
        for waiter in await gate_rows.asking(connection, source, digest):
            await connection.execute(events.SQL["submitted"], waiter.event, opened.request)
            await gate_rows.add_answer(connection, waiter.id, "running", message)
        await gate_rows.add_request(
            connection,
            opened.request,
            source=source,
            digest=digest,
            resource=opened.resource,
            submission=opened.submission,
            at=record.at,
        )

    async def _refused(
        self,
        connection: PostgresConnection,
        command: SentCommand,
        event: int,
        change: tuple[str, str] | None,
        refusal: Refusal | None,
    ) -> None:
        metrics.UPSTREAM_EVENTS.labels(command.source, "dead").inc()
        code = "repeated" if refusal is None else refusal.code
        why = _REPEATED if refusal is None else refusal.detail
        await events.die(connection, event, code, why)
        if change is None:
            return
        message = why if refusal is None else gate_messages.refused(self._gates.console, refusal)
        for waiter in await gate_rows.asking(connection, *change):
            await events.die(connection, waiter.event, code, why)
            await gate_rows.settle(connection, waiter.id, "failed", message)

    async def _happened(
        self,
        connection: PostgresConnection,
        record: LedgerRecord,
        happened: tuple[RequestEvent, ...],
        known: dict[str, gate_rows.GateRequest],
    ) -> None:
        request = known.get(happened[0].request) if happened else None
        if request is None or request.source not in self._gates.of:
            return
        before = progress = Progress(request.state, request.why)
        for event in happened:
            progress = progress_after(progress, event, self._gates.applier(request.source))
        if progress == before and not any(isinstance(each, ChangeSubmitted) for each in happened):
            return
        claimed = isinstance(happened[-1], ChangeClaimed) and progress.state == "claimed"
        claim = record.seq if claimed else None
        await gate_rows.move(connection, request.request, progress, record.at, claim=claim)
        request = known[request.request] = progressed(request, progress, claim)
        if claimed:
            await self._gates.claimed(connection, request)
        else:
            await self._gates.go_on(connection, request)


async def _ours(
    connection: PostgresConnection, partition: int, records: Sequence[LedgerRecord]
) -> dict[int, SentCommand]:
    """By seq, the records that decide one of this service's commands for the first time."""
    by_hash: dict[str, int] = {}
    by_offset: dict[int, int] = {}
    for record in records:
        match decode_recorded_command(record):
            case RecordedCommand(value=value):
                # The ledger has checked its signature, so it is the command and not another's copy of it.
                by_hash.setdefault(sha256_hex(value), record.seq)
            case OmittedCommand() if isinstance(record.input, int):
                # Anyone can send the same bytes without the signature. Only the place is ours alone.
                by_offset[record.input] = record.seq
            case _:
                pass
    if not by_hash and not by_offset:
        return {}
    found: dict[int, SentCommand] = {}
    for command in await commands.commands_by(connection, partition, list(by_hash), list(by_offset)):
        seq = by_hash.get(command.sha256)
        if seq is None and command.sent_offset is not None:
            seq = by_offset.get(command.sent_offset)
        if seq is not None:
            found[seq] = command
    return found


def _request_events(record: LedgerRecord) -> tuple[RequestEvent, ...]:
    return tuple(event for event in decode_events(record) if not isinstance(event, OfNoRequest))
