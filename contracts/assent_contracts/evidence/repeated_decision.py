"""Decide one record about a request again, by the rules and under the governance that it names.

Signatures are not checked here, because they cost more than all the rest. Two rules are not checked, because
no release depends on them: one open request per object (R10), and how much one principal may have and send.
"""

import hashlib
from collections.abc import Sequence

import msgspec

from assent_contracts.codec import encode
from assent_contracts.commands import Command, RequestCommand, SubmitChange, command_type
from assent_contracts.core.governance.state import Governance
from assent_contracts.core.log_time import received_at
from assent_contracts.core.received import Received
from assent_contracts.core.requests.decide import RequestDecision, decide_on, misrouted
from assent_contracts.core.requests.decision_context import Context
from assent_contracts.core.requests.evolve import evolve, open_request
from assent_contracts.core.requests.expire import decide_expiry
from assent_contracts.core.requests.handle import sender_of
from assent_contracts.core.requests.receive import received_again
from assent_contracts.core.requests.states import Applying, Closed, Open
from assent_contracts.core.requests.submit import decide_submit
from assent_contracts.core.sender import TAKES_NO_ID, not_current
from assent_contracts.events import ChangeReleased, ChangeSubmitted, Event, LeaseRenewed, RequestEvent
from assent_contracts.evidence.command_signatures import SignedCommand, signed_command
from assent_contracts.evidence.open_request_evidence import Judged
from assent_contracts.ledger import (
    LedgerRecord,
    RecordedCommand,
    decode_events,
    decode_recorded_command,
    decode_refusal,
)
from assent_contracts.refusals import Refusal
from assent_contracts.resources import request_id
from assent_contracts.set_members import hash_of_member, hashes_in_set

CAME_BEFORE = "its command was received before"


def judged_again(
    judged: Judged | None, record: LedgerRecord, partition: int, governance: Governance
) -> Judged | str:
    """The state to which signed commands have led with this record, or what the record lacks.

    `governance`: at the seq that the record names. `judged` is None for the record of the submission.
    """
    recorded = decode_recorded_command(record)
    if not isinstance(recorded, RecordedCommand):
        return _without_command(judged, record, partition)
    refusal = decode_refusal(record)
    if judged is not None and refusal is not None:
        if refusal.code not in TAKES_NO_ID:
            judged.spent.add(hashlib.sha256(recorded.value).digest())
        return judged
    if record.input is msgspec.UNSET:
        return "its command came from no topic"
    received = received_again(recorded)
    if isinstance(received, Refusal):
        return "its command is not well-formed"
    key = governance.keys.get(received.key_id)
    command = signed_command(received, None if key is None else key.public_key)
    if command is None:
        return "its command is signed by no key that is registered"
    context = _context(record, received, partition, governance)
    if isinstance(context, Refusal):
        return _refused(context)
    if judged is None:
        return _submit(record, received.command, command, context)
    if received.value_sha256 in judged.spent:
        return CAME_BEFORE
    return _move(judged, record, received.command, command, context)


def _context(
    record: LedgerRecord, received: Received[Command], partition: int, governance: Governance
) -> Context | Refusal:
    came = received_at(record)
    sender = sender_of(received, signature_good=True, received_at=came, governance=governance)
    if isinstance(sender, Refusal):
        return sender
    return not_current(sender, received.command.at, came) or Context(
        partition,
        record.seq,
        record.at,
        governance,
        sender.principal,
        received.value_sha256,
        sender.through,
    )


def _submit(record: LedgerRecord, decided: Command, command: SignedCommand, context: Context) -> Judged | str:
    if not isinstance(decided, SubmitChange):
        return "its command submits nothing"
    decision = misrouted(decided, context) or decide_submit(None, 0, decided, context, _newest(record))
    wrong = _not_decided(record, decision)
    if wrong is not None:
        return wrong
    opened, *more = decode_events(record)
    assert isinstance(opened, ChangeSubmitted), "it is what was decided"
    judged = Judged(open_request(opened, record.seq), command, context.governance.seq, record.seq)
    if decided.members is not msgspec.UNSET:
        judged.hashes = hashes_in_set(decided)
    elif decided.part_of is not msgspec.UNSET:
        judged.hashes = frozenset({hash_of_member(decided)})
    return _evolve(judged, record, more, context)


def _newest(record: LedgerRecord) -> str | None:
    """R26: the object's version that the record names. Whether it is right does not matter here."""
    for event in decode_events(record):
        if isinstance(event, ChangeSubmitted) and isinstance(event.newest, str):
            return event.newest
    return None


def _move(
    judged: Judged, record: LedgerRecord, decided: Command, command: SignedCommand, context: Context
) -> Judged | str:
    if not isinstance(decided, RequestCommand) or decided.resource != judged.state.submission.resource:
        return "its command is about another object"
    wrong = _not_decided(record, decide_on(judged.state, judged.last, decided, context))
    if wrong is not None:
        return wrong
    judged.spent.add(context.value_sha256)
    judged.is_checked = False
    judged.decisions[command_type(decided), decided.principal] = command
    return _evolve(judged, record, decode_events(record), context)


def _evolve(judged: Judged, record: LedgerRecord, events: Sequence[Event], context: Context) -> Judged:
    """Apply the events, which are what the rules have decided on this request."""
    for event in events:
        assert isinstance(event, RequestEvent), "no rule on a request decides anything else"
        judged.state = _open_after(judged.state, event, record)
        if isinstance(event, ChangeReleased):
            judged.released = context.governance.seq
        if not isinstance(event, LeaseRenewed):
            judged.last = record.seq
    return judged


def _open_after(state: Open, event: RequestEvent, record: LedgerRecord) -> Open:
    after = evolve(state, event, record.at, record.seq)
    assert not isinstance(after, Closed), "a record that ends the request is not judged"
    return after


def _without_command(judged: Judged | None, record: LedgerRecord, partition: int) -> Judged | str:
    """The end of a lease, which log time alone decides. Everything else needs a command."""
    if judged is None or not isinstance(judged.state, Applying) or record.command is not msgspec.UNSET:
        return "it contains no signed command"
    state = judged.state
    if state.deadline > record.at:
        return "the lease had not ended"
    event = decide_expiry(request_id(partition, state.submission.seq), state)
    wrong = _not_decided(record, (event,))
    if wrong is not None:
        return wrong
    judged.state = _open_after(state, event, record)
    judged.last = record.seq
    return judged


def _not_decided(record: LedgerRecord, decision: RequestDecision) -> str | None:
    if isinstance(decision, Refusal):
        return _refused(decision)
    if isinstance(record.events, msgspec.Raw) and bytes(record.events) == encode(decision):
        return None
    return "its events are not what its command makes"


def _refused(refusal: Refusal) -> str:
    return f"the rules refuse its command ({refusal.code}: {refusal.detail})"
