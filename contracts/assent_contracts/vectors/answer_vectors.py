"""Answers to commands: the accepted record whose `input` is the offset of the command."""

from typing import Any

from assent_contracts import commands as c
from assent_contracts.acceptance import Accepted
from assent_contracts.codec import encode
from assent_contracts.commands import command_type
from assent_contracts.events import CommandRepeated
from assent_contracts.ledger import decode_events, decode_refusal
from assent_contracts.vectors.vector_forms import Entry, base64_of, written
from assent_contracts.vectors.vector_log import PARTITION, RESOURCE, VectorLog, hash_of, key_of, replaced

_MONTH_MS = 31 * 24 * 60 * 60 * 1_000


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
    log.let_pass(_MONTH_MS)
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
    events, refusal = decode_events(found.record), decode_refusal(found.record)
    decided = [each.decided for each in events if isinstance(each, CommandRepeated)]
    return {
        "seq": found.record.seq,
        "events": [command_type(event) for event in events],
        "refusal": None if refusal is None else str(refusal.code.value),
        "decided": decided[0] if decided else None,
    }
