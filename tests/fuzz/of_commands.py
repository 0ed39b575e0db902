"""Receivers of commands, from the envelope to the rules and the bytes of the resulting record."""

import json
import random
from collections.abc import Callable
from typing import Any, Final

import msgspec

from assent.gateway.console.payload_view import payload_view
from assent.reading.payload_diff import payload_diff
from assent.reading.payloads import shown_payload
from assent.reading.visible_text import visible
from assent_contracts.acceptance import Head, first_head
from assent_contracts.codec import encode, type_of
from assent_contracts.commands import SubmitChange
from assent_contracts.core.governance.handle import GovernanceLedgerState, handle_governance
from assent_contracts.core.governance.receive import governance_received_again, read_governance_command
from assent_contracts.core.governance.state import Governance
from assent_contracts.core.received import Envelope, Omitted, Received, open_envelope, signature_bytes
from assent_contracts.core.requests.partition_state import PartitionState
from assent_contracts.core.requests.receive import read_command, received_again
from assent_contracts.core.writer.chain import Chain, RecordTooLargeError
from assent_contracts.core.writer.desk import Events, EventsOrRefusal
from assent_contracts.core.writer.governance_desk import GovernanceDesk
from assent_contracts.core.writer.requests_desk import RequestsDesk
from assent_contracts.core.writer.writer import Incoming, PartitionWriter
from assent_contracts.file_payloads import file_of_payload
from assent_contracts.governance_codec import decode_governance_change
from assent_contracts.governance_messages import GOVERNANCE_KEY
from assent_contracts.ledger import (
    LedgerRecord,
    RecordedCommand,
    decode_events,
    decode_governance_events,
    decode_record,
    decode_recorded_command,
    decode_refusal,
)
from assent_contracts.refusals import Refusal
from assent_contracts.resources import request_id
from assent_contracts.signing import NO_IDENTITY
from tests.fuzz.alphabet import RAW_WORDS, golden
from tests.fuzz.receiver import Receiver, chances
from tests.support.chains import PARTITION, Chains
from tests.support.people import HUMANS, SERVICES, START

_LOG: Final = Chains()
_OPEN: Final = _LOG.submitted()
_RELEASED_LOG: Final = Chains()
_RELEASED_LOG.released()
_NAMES: Final = (*HUMANS, *SERVICES)
_SIGNATURE: Final = "A" * 86
_SHOWN_MAX: Final = 4_000


def _headers(rng: random.Random, key_id: str) -> list[tuple[str, bytes | None]]:
    if rng.random() < 0.8:
        return [("assent-key", key_id.encode()), ("assent-signature", _SIGNATURE.encode())]
    names = ("assent-key", "assent-signature", "ce_id", "ce_type", "traceparent", "", "assent-key")
    contents = (None, b"", b"\xff\xfe", b"\0", *RAW_WORDS, b"k" * 129, b"k" * 4_000, b"!" * 86, b"A" * 86)
    return [(rng.choice(names), rng.choice(contents)) for _ in range(rng.choice((0, 1, 3, 300)))]


def _named(value: bytes, field: str) -> Any:
    try:
        document = json.loads(value)
    except (ValueError, RecursionError):
        return None
    return document.get(field) if isinstance(document, dict) else None


def _kafka_key(rng: random.Random, likely: bytes) -> bytes | None:
    return likely if rng.random() < 0.9 else rng.choice((None, b"", b"\xff", b"k" * 100_000, GOVERNANCE_KEY))


def _sendable(text: object) -> str:
    return text if isinstance(text, str) and text.isprintable() else "alice"


def _take_command(value: bytes) -> object:
    rng = chances(value)
    key_id = f"{_sendable(_named(value, 'principal'))}-key"
    resource = _named(value, "resource")
    likely = resource.encode(errors="replace") if isinstance(resource, str) else b"script/x"
    envelope = open_envelope(value, _kafka_key(rng, likely), _headers(rng, key_id))
    if isinstance(envelope, Omitted):
        return _checked(envelope.refusal)
    signature_bytes(envelope)
    received = read_command(envelope)
    if not isinstance(received, Refusal):
        _show(received.command)
    identity, governance = _LOG.identity, _LOG.record.governance
    return [
        _decided(_Requests(state, governance), first_head("ledger", identity), envelope, decode_events)
        for state in (_LOG.state, _RELEASED_LOG.state)
    ]


def _take_governance(value: bytes) -> object:
    rng = chances(value)
    key_id = f"{_sendable(_named(value, 'principal'))}-key"
    envelope = open_envelope(value, _kafka_key(rng, GOVERNANCE_KEY), _headers(rng, key_id))
    if isinstance(envelope, Omitted):
        return _checked(envelope.refusal)
    head = first_head("governance", NO_IDENTITY)
    decided = _decided(_Governance(), head, envelope, decode_governance_events)
    return decided, _founded(envelope)


class _Requests(RequestsDesk):
    """Its state never changes, so that each input meets the same requests."""

    def __init__(self, state: PartitionState, governance: Governance) -> None:
        super().__init__(state.partition)
        self.state, self.governance = state, governance

    def apply_decision(
        self, received: Received[Any], decision: EventsOrRefusal, *, seq: int, at: int
    ) -> None:
        pass

    def apply(self, events: Events, *, seq: int, at: int) -> None:
        pass


class _Governance(GovernanceDesk):
    """Its state never changes, so that each input meets the same governance."""

    def __init__(self) -> None:
        super().__init__()
        self.record = _LOG.record

    def apply_decision(
        self, received: Received[Any], decision: EventsOrRefusal, *, seq: int, at: int, by_topic: bool = True
    ) -> None:
        pass

    def apply(self, events: Events, *, seq: int, at: int) -> None:
        pass


def _decided(
    desk: _Requests | _Governance,
    head: Head,
    envelope: Envelope,
    decode: Callable[[LedgerRecord], tuple[Any, ...]],
) -> object:
    """What a writer records of it, which is what readers read."""
    writer = PartitionWriter(desk, head, sealer=None, is_signed=lambda _envelope, _key: True)
    writer.begin()
    decided = writer.decide(Incoming(1, START, envelope, None, signature_good=True))
    if decided.unreadable is not None:
        raise decided.unreadable
    batch = writer.take_batch()
    assert batch is not None
    record = decode_record(batch.links[0].value)
    refusal = decode_refusal(record)
    kept = decode_recorded_command(record)
    if isinstance(kept, RecordedCommand):
        assert bytes(kept.value) == envelope.value, "the ledger does not give the command back"
    else:
        assert kept == decided.omitted
        assert refusal is not None
    return decode(record) if refusal is None else _checked(refusal)


_FOUNDING: Final = GovernanceLedgerState()
"""Nothing is founded yet."""


def _founded(envelope: Envelope) -> object:
    """The result of founding with it. It arrives on no topic, and no writer receives it."""
    received = read_governance_command(envelope)
    if isinstance(received, Refusal):
        return _checked(received)
    decision = handle_governance(_FOUNDING, received, signature_good=True, at=START, received_at=START)
    command = RecordedCommand(
        value=msgspec.Raw(received.value), key=received.key_id, signature=received.signature
    )
    chain = Chain(first_head("governance", NO_IDENTITY), 1)
    try:
        link = chain.link(None, decision, at=START, command=command)
    except RecordTooLargeError:
        return decision
    record = decode_record(link.value)
    decode_governance_events(record)
    again = decode_recorded_command(record)
    assert isinstance(again, RecordedCommand)
    assert bytes(again.value) == received.value, "the ledger does not give the command back"
    return _checked(decision) if isinstance(decision, Refusal) else decision


def _show(command: object) -> None:
    """What was accepted can be shown."""
    if isinstance(command, SubmitChange):
        file_of_payload(bytes(command.payload))
        shown = shown_payload(bytes(command.payload), command.resource)
        text = visible(shown.text[:_SHOWN_MAX])
        text.encode()
        if len(shown.text) < _SHOWN_MAX:
            payload_view(shown, None)
            payload_diff(None, shown)


def _checked(refusal: Refusal) -> Refusal:
    assert len(refusal.detail) <= 200, f"a detail of {len(refusal.detail)} characters"
    encode(refusal)
    return refusal


def _take_change(payload: bytes) -> object:
    change = decode_governance_change(payload)
    return _checked(change) if isinstance(change, Refusal) else change


def _take_recorded(value: bytes) -> object:
    recorded = RecordedCommand(value=msgspec.Raw(value), key="alice-key", signature=_SIGNATURE)
    return received_again(recorded), governance_received_again(recorded), type_of(value)


def _command_seeds() -> tuple[bytes, ...]:
    resource, submission = "access-policy/more", _OPEN.submission_sha256
    seeds: list[bytes] = [bytes(_OPEN.submission.value)]
    for value in golden("commands"):
        document = json.loads(value)
        document |= {"at": START}
        for principal in ("alice", "carol", "dave", "upstream", "applier"):
            for about in (
                {"resource": resource, "request": _OPEN.request, "submission": submission},
                {"resource": f"script/{PARTITION}", "request": request_id(PARTITION, 7)},
            ):
                known = {name: each for name, each in about.items() if name in document or name == "resource"}
                seeds.append(encode({**document, "principal": principal, **known}))
    return tuple(seeds)


def _governance_seeds() -> tuple[bytes, ...]:
    about = {"id": "g-1", "at": START}
    changes = [json.loads(change) for change in golden("governance-changes")]
    commands = [json.loads(each) | about | {"principal": "carol"} for each in golden("governance-commands")]
    asked = [
        {"type": "assent.change-governance.v1", **about, "principal": principal, "change": change}
        for change in changes
        for principal in ("carol", "alice")
    ]
    return tuple(encode(each) for each in (*commands, *asked))


RECEIVERS: Final = (
    Receiver("commands", _take_command, _command_seeds(), weight=6),
    Receiver("governance commands", _take_governance, _governance_seeds(), weight=6),
    Receiver("governance change", _take_change, golden("governance-changes"), weight=2),
    Receiver("recorded command", _take_recorded, golden("commands", "governance-commands"), weight=1),
)
