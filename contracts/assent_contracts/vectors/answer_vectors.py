"""Answers to commands: the accepted record whose `input` is the offset of the command."""

from typing import Any, Final

import msgspec

from assent_contracts import commands as c
from assent_contracts import limits
from assent_contracts.acceptance import Accepted
from assent_contracts.codec import encode
from assent_contracts.commands import command_type
from assent_contracts.events import CommandRepeated, Event
from assent_contracts.ledger import RecordedCommand, decode_events, decode_recorded_command, decode_refusal
from assent_contracts.refusals import Refusal
from assent_contracts.vectors.vector_forms import Entry, base64_of, written
from assent_contracts.vectors.vector_log import PARTITION, RESOURCE, VectorLog, hash_of, key_of, replaced

_DAY_MS: Final = 24 * 60 * 60 * 1_000


def vectors() -> dict[str, Any]:
    """The content of `answers.json`."""
    log = VectorLog()
    request, command = log.submit()
    kafka_key = RESOURCE.encode()
    submission = encode(command)
    log.send_bytes(submission, key_of("alice"), kafka_key)
    log.send_bytes(b"not a command \xff", key_of("alice"), kafka_key)
    log.send_bytes(submission.replace(b"New", b"Old"), key_of("bob"), kafka_key, signature_good=False)
    log.send(c.Approve(**log.on("alice", request, command), submission=hash_of(command)))
    log.send_bytes(submission.replace(b"edit", b"exit"), key_of("alice"), kafka_key)
    refused = encode(c.Approve(**log.on("alice", request, command), submission=hash_of(command)))
    for value in (
        # The second is answered with a pointer to the first, which is a refusal.
        refused,
        refused,
        # Of these the ledger keeps the hash only: nobody finds an answer by looking for the bytes.
        encode(msgspec.structs.replace(command, justification=" \u3000")),
        submission.replace(b"New rates.", b"x" * (limits.JUSTIFICATION_MAX_CHARS + 1)),
        submission.replace(b'"edit"', b'"edit","colour":1'),
        # A copy of these bytes is stale, too.
        submission.replace(b'"at":%d' % command.at, b'"at":%d' % (command.at - 2 * _DAY_MS)).replace(
            b'"id":"c-', b'"id":"late-'
        ),
    ):
        log.send_bytes(value, key_of("alice"), kafka_key)
    log.let_pass(31 * _DAY_MS)
    log.submit()
    undecided = len(log.commands)
    entries = list(log.requests.entries)
    # Two answers that do not count: the one is not sealed, and the other is there already.
    last = log.requests.accepted[-1]
    forged = replaced(last.value, seq=last.record.seq + 1, prev=last.value_sha256, input=undecided)
    entries += [Entry(forged), log.requests.entries[0]]
    return {
        "section": "answers",
        "identity": log.identity,
        "partition": PARTITION,
        "governance": written(log.governance.entries),
        "ledger": written(entries),
        "commands": [
            {"offset": offset, "value": base64_of(value)} | _answer(log.requests.accepted, offset)
            for offset, (value, _) in enumerate(log.commands)
        ]
        + [{"offset": undecided, "value": base64_of(submission), "seq": None}],
    }


def _answer(accepted: list[Accepted], offset: int) -> dict[str, Any]:
    [found] = [each for each in accepted if each.record.input == offset]
    events, _ = decision = decode_events(found.record), decode_refusal(found.record)
    [first] = [each.decided for each in events if isinstance(each, CommandRepeated)] or [None]
    pointed_at = None
    if first is not None:
        record = accepted[first].record
        pointed_at = _outcome(decode_events(record), decode_refusal(record))
    return {
        "seq": found.record.seq,
        **_outcome(*decision),
        "decided": first,
        "first": pointed_at,
        "recorded": isinstance(decode_recorded_command(found.record), RecordedCommand),
    }


def _outcome(events: tuple[Event, ...], refusal: Refusal | None) -> dict[str, Any]:
    return {
        "events": [command_type(event) for event in events],
        "refusal": None if refusal is None else str(refusal.code.value),
    }
