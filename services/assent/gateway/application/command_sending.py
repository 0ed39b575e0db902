"""From a caller's command to its decision: sign, publish, wait and answer."""

import hashlib
from typing import Any, Final
from urllib.parse import quote, urlencode

import msgspec
import structlog
from aiokafka.errors import KafkaError

from assent.gateway.application.projection_waits import audit_caught_up
from assent.gateway.caller import Caller
from assent.gateway.gateway_components import Gateway
from assent.gateway.problems import Problem, malformed_problem, not_found, of_refusal
from assent.reading.lapse_sentences import reopened_because
from assent.store.queries import AuditRow, audit_tail
from assent.store.queries_large import records_with_id
from assent_contracts.client.publisher import (
    Decided,
    NotDecidedError,
    NotPublishedError,
    new_command_id,
    now_ms,
)
from assent_contracts.codec import decode_command, encode, is_identifier
from assent_contracts.commands import Command, Complete, FindingCommand, SubmitChange, command_type
from assent_contracts.core.sender import UNAUTHENTICATED
from assent_contracts.events import ChangeReleased, CommandRepeated
from assent_contracts.ledger import (
    IncoherentRecordError,
    RecordedCommand,
    decode_events,
    decode_record,
    decode_recorded_command,
    decode_refusal,
)
from assent_contracts.limits import COMMAND_ID_MAX_CHARS, COMMAND_MEMORY_MS
from assent_contracts.refusals import Refusal, RefusalCode
from assent_contracts.topics import LEDGER

_log: Final = structlog.get_logger()
ANSWER_WITHIN_S: Final = 10.0
_CLOCKS_MS: Final = 5 * 60 * 1_000
REOPENED: Final = "reopened"
_LATEST_MS: Final = COMMAND_MEMORY_MS
"""A command that is decided later than this is refused as stale."""


class Decision(msgspec.Struct, frozen=True, kw_only=True):
    """The ledger's acceptance of a command."""

    request: str | None
    """None if the command concerns a finding."""
    position: str
    """`<partition>-<seq>` of the ledger record. Send it as Assent-After to read its effects."""
    at: int
    """Log time, ms."""
    events: tuple[str, ...]
    """The types of the events."""
    repeated: bool = False
    """Whether the same command was sent before. This is its first answer."""


def command_id(caller: Caller, idempotency_key: str | None) -> str:
    """The id of the caller's command: the same for the same Idempotency-Key, at any gateway.

    Raises Problem. The log remembers it for 24 hours, for each object.
    """
    if idempotency_key is None:
        return new_command_id()
    if not is_identifier(idempotency_key, COMMAND_ID_MAX_CHARS):
        raise malformed_problem(
            f"Idempotency-Key is not 1 to {COMMAND_ID_MAX_CHARS} printable characters without spaces."
        )
    return hashlib.sha256(f"{caller.id}\0{idempotency_key}".encode()).hexdigest()


def command_fields(caller: Caller, resource: str, idempotency_key: str | None) -> dict[str, Any]:
    """The fields of every command: id, principal, time and object."""
    return {
        "id": command_id(caller, idempotency_key),
        "principal": caller.id,
        "at": now_ms(),
        "resource": resource,
    }


async def send_command(gateway: Gateway, command: Command, *, once: bool) -> Decision:
    """Publish a command on the caller's behalf, and return its decision.

    `once`: its id is from an Idempotency-Key, and it may have been sent before. Raises Problem: the refusal,
    `late` (202) without a decision in time, `log-unreachable`, `reopened`.
    """
    if once:
        command = msgspec.structs.replace(command, at=(await gateway.once.first_sent(command.id)).at)
    try:
        decided = await gateway.log.publisher.send(command, gateway.log.key, timeout_s=ANSWER_WITHIN_S)
    except NotDecidedError as error:
        raise late(command.id, command.resource, command.at) from error
    except KafkaError as error:
        raise not_sent(error) from error
    return await decision_of(gateway, command, decided)


async def decision_of(gateway: Gateway, command: Command, decided: Decided) -> Decision:
    """The decision for the caller: the first one, if the command was sent before. Raises Problem."""
    position, refused = f"{decided.partition}-{decided.seq}", decided.refusal is not None
    _log.info(
        "decided",
        principal=command.principal,
        command=command.id,
        type=command_type(command),
        # What was refused as a submission is not a request.
        request=None if refused and isinstance(command, SubmitChange) else _request_of(command, position),
        partition=decided.partition,
        seq=decided.seq,
        refusal=None if decided.refusal is None else decided.refusal.code,
    )
    first = _first(decided)
    if first is None:
        return _answer(command, decided, repeated=False)
    before = await _decided_before(gateway, decided.partition, first)
    if not _says_the_same(before, command):
        if decided.refusal is None:
            msg = f"command {command.id}: the audit log has another first decision than the ledger"
            raise IncoherentRecordError(msg)
        raise of_refusal(decided.refusal, position=f"{decided.partition}-{decided.seq}")
    return _answer(command, _decided_of(before), repeated=True)


def _first(decided: Decided) -> int | None:
    if decided.refusal is not None and decided.refusal.code == RefusalCode.ID_REUSED:
        return decided.refusal.decided
    return next((each.decided for each in decided.events if isinstance(each, CommandRepeated)), None)


def _answer(command: Command, decided: Decided, *, repeated: bool) -> Decision:
    position = f"{decided.partition}-{decided.seq}"
    if decided.refusal is not None:
        raise of_refusal(decided.refusal, position=position)
    if isinstance(command, Complete) and not _is_released(decided):
        raise _reopened(command, decided)
    return Decision(
        request=_request_of(command, position),
        position=position,
        at=decided.at,
        events=tuple(command_type(event) for event in decided.events),
        repeated=repeated,
    )


def _request_of(command: Command, position: str) -> str | None:
    if isinstance(command, SubmitChange):
        return position
    return None if isinstance(command, FindingCommand) else command.request


def _is_released(decided: Decided) -> bool:
    return any(isinstance(event, ChangeReleased) for event in decided.events)


def _reopened(command: Complete, decided: Decided) -> Problem:
    """R12: a request was reopened instead of completed. The ledger records that, but not as a refusal."""
    return Problem(
        409,
        REOPENED,
        f"Nothing was released. {reopened_because(decided.events)}",
        todo="Have it approved again, and then complete it.",
        request=command.request,
        position=f"{decided.partition}-{decided.seq}",
        at=decided.at,
        events=[msgspec.to_builtins(event) for event in decided.events],
    )


async def _decided_before(gateway: Gateway, partition: int, seq: int) -> AuditRow:
    """The record of the first decision. Raises Problem if the audit log does not have it yet."""
    await audit_caught_up(gateway, partition, seq)
    rows = await audit_tail(gateway.db, {(LEDGER, partition): seq - 1}, limit=1)
    if rows and rows[0].seq == seq:
        return rows[0]
    raise Problem(
        503,
        "lagging",
        f"This was already decided at {partition}-{seq}, which is not in the audit log yet.",
        todo="Send it again after Retry-After seconds with the same Idempotency-Key.",
        headers={"Retry-After": "1"},
    )


def _says_the_same(before: AuditRow, command: Command) -> bool:
    """Whether the recorded command differs only in its time: then it is a repetition, not a reused id."""
    was = _command_of(before)
    if was is None or type(was) is not type(command):
        return False
    return encode(msgspec.structs.replace(was, at=command.at)) == encode(command)


def _command_of(row: AuditRow) -> Command | None:
    recorded = decode_recorded_command(decode_record(row.record))
    if not isinstance(recorded, RecordedCommand):
        return None
    command = decode_command(bytes(recorded.value))
    return None if isinstance(command, Refusal) else command


def _decided_of(row: AuditRow) -> Decided:
    record = decode_record(row.record)
    return Decided(
        partition=row.partition,
        seq=row.seq,
        at=row.at,
        events=decode_events(record),
        refusal=decode_refusal(record),
    )


def late(command: str, resource: str | None, sent_at: int) -> Problem:
    """A command, given by its id, that was sent at `sent_at` (ms) is not decided yet."""
    query = urlencode({**({"resource": resource} if resource else {}), "sent_at": sent_at})
    place = f"/api/v1/commands/{quote(command, safe='')}?{query}"
    return Problem(
        202,
        "late",
        "There is no decision yet. The command was sent and will be decided.",
        todo="Ask at the address in Location, or send the same command again: it counts once.",
        headers={"Location": place, "Retry-After": "2"},
        command=command,
    )


def undecided_change() -> Problem:
    """A change to governance whose decision is late. It will be decided, and counts once by its version."""
    return Problem(
        202,
        "late",
        "There is no decision yet. The change was sent and will be decided.",
        todo="Check later whether it took effect, or look for it in the audit log.",
        headers={"Retry-After": "2"},
    )


def not_sent(error: KafkaError) -> Problem:
    """Why nothing was published."""
    if isinstance(error, NotPublishedError):
        return Problem(
            503,
            "log-incomplete",
            f"Nothing was sent: {error.finding.why}",
            todo=f"Tell the operator of Assent. {error.finding.todo}",
            headers={"Retry-After": "30"},
        )
    return kafka_unreachable()


def kafka_unreachable() -> Problem:
    """Kafka has not confirmed the command. It may have it all the same."""
    return Problem(
        503,
        "log-unreachable",
        "The log does not answer, so it is unknown whether this was recorded. If it was, it will be decided.",
        todo="Send the same again after Retry-After seconds, with the same Idempotency-Key. It counts once.",
        headers={"Retry-After": "5"},
    )


async def late_decision(
    gateway: Gateway, caller: Caller, command: str, resource: str | None, sent_at: int
) -> Decision:
    """The decision on the caller's command about `resource` (if given), sent at `sent_at` (ms).

    Raises Problem: its refusal, `late` (202) while there is none, not-found once there cannot be one.
    """
    if not is_identifier(command, COMMAND_ID_MAX_CHARS):
        raise not_found(f"command {command[:40]!r}")
    rows = await records_with_id(
        gateway.db,
        caller.id,
        command,
        resource=resource,
        since_ms=sent_at - _CLOCKS_MS,
        until_ms=sent_at + _LATEST_MS,
        outcomes_beside=UNAUTHENTICATED,
    )
    # Oldest first: the first decision, not one of its repetitions.
    for row in rows:
        sent = _command_of(row)
        if sent is not None and sent.id == command:
            return _answer(sent, _decided_of(row), repeated=False)
    if now_ms() > sent_at + _LATEST_MS:
        raise not_found(f"command {command[:40]!r}")
    raise late(command, resource, sent_at)
