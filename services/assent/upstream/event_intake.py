"""Turns stored events into commands, and joins callers at a gate to the request for their change."""

import time
from typing import Any, Final

import asyncpg
import msgspec
import structlog

from assent.observe import metrics
from assent.store.pool import PostgresConnection
from assent.store.reader_service import UNREACHABLE
from assent.upstream import events, gate_messages, gate_rows
from assent.upstream.change_digest import change_digest
from assent.upstream.commands import add_command
from assent.upstream.events import StoredEvent
from assent.upstream.gate_callers import Caller, CallerError, caller_of
from assent.upstream.gate_rules import asks_again, may_be_found
from assent.upstream.gate_steps import Gates
from assent.upstream.mapping import MappingError, Submission, is_wanted, submission_of
from assent.upstream.source_settings import Gate, Source
from assent_contracts.client.publisher import now_ms
from assent_contracts.codec import decode_command, encode
from assent_contracts.commands import SubmitChange
from assent_contracts.digests import sha256_hex
from assent_contracts.refusals import Refusal

_DAY_S: Final = 24 * 60 * 60.0
_INTERNAL: Final = "This is a fault of Assent: see the service's log, report it, and send it again."
_UNKNOWN: Final = "The upstream file has no source of this name any more."

log = structlog.get_logger(__name__)


class EventIntake:
    """Maps events, one at a time."""

    def __init__(
        self, sources: dict[str, Source], accounts: dict[str, str], gates: Gates, partitions: int
    ) -> None:
        """`accounts`: the account that submits for each source."""
        self._sources = sources
        self._accounts = accounts
        self._gates = gates
        self._partitions = partitions

    async def take_one(self, pool: asyncpg.Pool) -> bool:
        """Map the next event, in one transaction; False if there is none."""
        async with pool.acquire() as connection, connection.transaction():
            event = await events.take(connection)
            if event is None:
                return False
            try:
                async with connection.transaction():
                    outcome = await self._take(connection, event)
            except Exception as error:
                if isinstance(error, UNREACHABLE) and not _is_refused_by_postgres(error):
                    raise
                # A fault of Assent must not hold up the events after this one.
                log.exception("not mapped", source=event.source, id=event.id)
                await events.die(connection, event.id, "internal", _INTERNAL)
                outcome = "dead"
        metrics.UPSTREAM_EVENTS.labels(event.source, outcome).inc()
        return True

    async def _take(self, connection: PostgresConnection, event: StoredEvent) -> str:
        source = self._sources.get(event.source)
        if source is None:
            await events.die(connection, event.id, "mapping", _UNKNOWN)
            return "dead"
        try:
            if not is_wanted(source.mapping, event.document):
                await connection.execute(events.SQL["skipped"], event.id, "The mapping is not for it.")
                return "skipped"
            caller = caller_of(source, event.document) if isinstance(source, Gate) else None
            submission = submission_of(source.mapping, event.document)
            command = self._command(event, submission)
        except CallerError as error:
            await events.die(connection, event.id, "gate", str(error))
            return "dead"
        except (MappingError, msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            await events.die(connection, event.id, "mapping", str(error))
            return "dead"
        refusal = _form(command)
        if refusal is not None:
            await events.die(connection, event.id, refusal.code, refusal.detail)
            return "dead"
        if caller is not None and isinstance(source, Gate):
            return await self._ask(connection, event, source, caller, submission, command)
        await self._submit(connection, event, command)
        return "sent"

    async def _submit(
        self, connection: PostgresConnection, event: StoredEvent, command: SubmitChange
    ) -> None:
        await add_command(
            connection,
            command,
            "submit",
            source=event.source,
            partitions=self._partitions,
            event=event.id,
        )
        await connection.execute(events.SQL["sent"], event.id)

    def _command(self, event: StoredEvent, submission: Submission) -> SubmitChange:
        optional: dict[str, Any] = {
            "on_behalf_of": submission.on_behalf_of,
            "impact": submission.impact,
            "fallback": submission.fallback,
            "expected": submission.expected,
            "base": submission.base,
            "emergency": submission.emergency,
            "tickets": submission.tickets or None,
        }
        return SubmitChange(
            id=command_id(event.source, event.event, event.resends),
            principal=self._accounts[event.source],
            at=now_ms(),
            resource=submission.resource,
            operation=submission.operation,
            justification=submission.justification,
            payload=msgspec.Raw(submission.payload),
            **{name: value for name, value in optional.items() if value is not None},
        )

    async def _ask(
        self,
        connection: PostgresConnection,
        event: StoredEvent,
        gate: Gate,
        caller: Caller,
        submission: Submission,
        command: SubmitChange,
    ) -> str:
        digest = change_digest(submission)
        known = await gate_rows.known_waiter(connection, event.source, caller.id)
        if known is not None and known.digest != digest:
            await self._changed(connection, known)
        elif known is not None and await self._is_answered(connection, event, known):
            return "skipped"
        await gate_rows.lock_change(connection, event.source, digest)
        request = await _found(connection, gate, digest)
        is_first = request is None and not await gate_rows.is_submitted(connection, event.source, digest)
        waiter = await gate_rows.add_waiter(
            connection,
            source=event.source,
            waiter=caller.id,
            event=event.id,
            digest=digest,
            callback=msgspec.json.encode(caller.callback),
            secret=event.secret,
            request=request,
        )
        if is_first:
            await self._submit(connection, event, command)
            return "sent"
        if request is None:
            # It gets the request of the caller that asked for the same change before it.
            await connection.execute(events.SQL["sent"], event.id)
            return "joined"
        await connection.execute(events.SQL["submitted"], event.id, request)
        message = gate_messages.waiting(self._gates.console, request, None)
        await gate_rows.add_answer(connection, waiter, "running", message)
        for locked in (await gate_rows.lock_requests(connection, [request])).values():
            await self._gates.go_on(connection, locked)
        return "joined"

    async def _changed(self, connection: PostgresConnection, known: gate_rows.KnownWaiter) -> None:
        """The caller asks about another change than before, so no answer to that is for it any more.

        A merge request, for example, can get another target branch without a new commit.
        """
        if not await gate_rows.withdraw_answers(connection, known.id) or known.request is None:
            return
        for locked in (await gate_rows.lock_requests(connection, [known.request])).values():
            await self._gates.report(connection, locked, "failed", "The caller asks about another change.")

    async def _is_answered(
        self, connection: PostgresConnection, event: StoredEvent, known: gate_rows.KnownWaiter
    ) -> bool:
        """Answer a question that was asked before once more; False if it is to be asked again."""
        console, request = self._gates.console, known.request
        requests = await gate_rows.lock_requests(connection, [request] if request else [])
        why = requests[request].why if request in requests else None
        match known.status:
            case _ if known.event == event.id:
                return False
            case "waiting":
                message = gate_messages.waiting(console, request, why)
                await gate_rows.add_answer(connection, known.id, "running", message)
            case "passed":
                await gate_rows.add_answer(
                    connection, known.id, "passed", gate_messages.passed(console, request)
                )
            case "failed":
                if asks_again(why):
                    return False
                await gate_rows.add_answer(
                    connection, known.id, "failed", gate_messages.ended(console, request, why)
                )
        await connection.execute(events.SQL["skipped"], event.id, "The same question was asked before.")
        return True


async def _found(connection: PostgresConnection, gate: Gate, digest: str) -> str | None:
    """The request for the same change that a new run joins."""
    now_s = time.time()
    for request, progress, changed_at in await gate_rows.requests_like(connection, gate.name, digest):
        age_s = now_s - changed_at / 1_000
        if may_be_found(progress.state, age_s, gate.approvals, gate.approval_days * _DAY_S):
            return request
    return None


def command_id(source: str, event: str, resends: int) -> str:
    """The id of a submission: of the event, so that a repeated one submits nothing new.

    A person who has a dead letter sent again asks for a new decision, and so for a new id.
    """
    identity = "\0".join((source, event, str(resends)))
    return f"up-{sha256_hex(identity.encode())}"


def _is_refused_by_postgres(error: Exception) -> bool:
    """Whether Postgres refuses a value, as it would each time: its error classes 22 and 23."""
    return isinstance(error, asyncpg.PostgresError) and getattr(error, "sqlstate", "")[:2] in ("22", "23")


def _form(command: SubmitChange) -> Refusal | None:
    """The refusal that the ledger would give for its form."""
    decoded = decode_command(encode(command))
    return decoded if isinstance(decoded, Refusal) else None
