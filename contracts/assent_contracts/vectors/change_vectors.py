"""Released changes as they come on `assent.changes`, and what an applier does with each."""

from collections.abc import Sequence
from typing import Any, Final

import msgspec
from msgspec import Raw

from assent_contracts import commands as c
from assent_contracts.acceptance import Accepted
from assent_contracts.client.applier_steps import left_alone
from assent_contracts.client.keys import verify_signature
from assent_contracts.client.open_requests import OpenRequests
from assent_contracts.codec import encode
from assent_contracts.digests import sha256_hex
from assent_contracts.events import ChangeReleased
from assent_contracts.evidence.governance_evidence import GovernanceEvidence
from assent_contracts.partitioner import partition_for
from assent_contracts.released_change import POSITION_HEADER, Change, decode_change
from assent_contracts.vectors.vector_forms import Entry, written
from assent_contracts.vectors.vector_log import PARTITION, PARTITIONS, VectorLog

CLAIM: Final = "claim"
"""The verdict of what is to be claimed; the others are those of `client.handled.Handled`."""
NO_EVIDENCE: Final = "no-evidence"


def _other_objects() -> list[str]:
    named = (f"app/object-{number}" for number in range(100))
    return [name for name in named if partition_for(name.encode(), PARTITIONS) == PARTITION]


class _Story:
    """A log in which requests have come to every state."""

    def __init__(self) -> None:
        self.log = log = VectorLog()
        objects = iter(_other_objects())
        self.waiting, _ = log.released()
        self.approved, command = log.submit(next(objects))
        log.approve(self.approved, command)
        self.claimed, command = log.released(next(objects))
        log.claim(self.claimed, command)
        self.completed, command = log.released(next(objects))
        log.claim(self.completed, command)
        log.report(self.completed, command)
        self.unknown, command = log.released(next(objects))
        log.claim(self.unknown, command)
        log.report(self.unknown, command, "unknown")
        self.stolen, command = log.submit(next(objects))
        self._release_without_approval(self.stolen, command)

    def _release_without_approval(self, request: str, command: c.SubmitChange) -> None:
        """As an attacker with the writer's key can."""
        log = self.log
        log.at += 1_000
        released = ChangeReleased(
            request=request,
            resource=command.resource,
            digest=sha256_hex(command.payload),
            deadline=log.at + 10**9,
        )
        governance = len(log.history) - 1
        log.requests.keep(log.requests.chain.link(None, (released,), at=log.at, governance=governance).value)

    def change(self, request: str) -> Change:
        """What dispatch hands over for a request that is released; for others, what it would."""
        seq = int(request.partition("-")[2])
        accepted = self.log.requests.accepted
        # As it was before the claim: only then does the ledger have all of it.
        for end in range(len(accepted), seq, -1):
            found = folded(self.log, accepted[:end]).find(request)
            if found is not None and found.release is not None:
                return found.change(_payload(found.resource, self.log))
        msg = f"{request} was never released"
        raise AssertionError(msg)


def _payload(resource: str, log: VectorLog) -> Raw:
    for value, _ in log.commands:
        if b"submit-change" in value:
            command = msgspec.json.decode(value, type=c.SubmitChange)
            if command.resource == resource:
                return Raw(bytes(command.payload))
    raise AssertionError(resource)


def folded(log: VectorLog, accepted: Sequence[Accepted] | None = None) -> OpenRequests:
    """The open requests of the partition, with their evidence."""
    evidence = GovernanceEvidence(log.identity, verify_signature)
    for each, events in zip(log.governance.accepted, log.history, strict=True):
        evidence.take(each.record, events)
    requests = OpenRequests(PARTITION, evidence)
    for each in log.requests.accepted if accepted is None else accepted:
        requests.take(each)
    return requests


def vectors() -> dict[str, Any]:
    """The content of `changes.json`."""
    story = _Story()
    return {
        "section": "changes",
        "identity": story.log.identity,
        "partition": PARTITION,
        "governance": written(story.log.governance.entries),
        "ledger": written(story.log.requests.entries),
        "changes": _judged(story, _changes(story)),
    }


def _changes(story: _Story) -> dict[str, Entry]:
    real = story.change(story.waiting)
    value = encode(real)
    payload = bytes(real.payload)
    changed = payload.replace(b"2", b"3", 1)

    def but(position: int | None = None, **fields: Any) -> Entry:
        return _entry(encode(msgspec.structs.replace(real, **fields)), position)

    not_yet = msgspec.structs.replace(real, request=story.approved)
    return {
        "a forged position on a copy with another operation": but(999_999_999, operation="delete"),
        "another operation": but(operation="delete"),
        "one byte of the payload changed": but(payload=Raw(changed)),
        "one byte of the payload changed, and the digest with it": but(
            payload=Raw(changed), digest=sha256_hex(changed)
        ),
        "the payload written otherwise": but(payload=Raw(payload.replace(b": ", b":"))),
        "another digest": but(digest="ab" * 32),
        "another submission": but(submission="ab" * 32),
        "another object": but(resource="app/other"),
        "another requester": but(requester="mallory"),
        "somebody on whose behalf it was not submitted": but(on_behalf_of="bob"),
        "another justification": but(justification="Other rates."),
        "a base that was not submitted": but(base="v1"),
        "another release": but(released=real.released + 1),
        "another time": but(at=real.at + 1),
        "a request that nobody submitted": but(request=f"{PARTITION}-999999"),
        "a request id of another partition": but(request=f"{PARTITION - 1}-0"),
        "a request id that is none": but(request=f"{PARTITION}-00"),
        "a request that is approved and not released": _entry(encode(not_yet), not_yet.released),
        "a request that an applier has claimed": _entry(encode(story.change(story.claimed)), None),
        "a request that has ended": _entry(encode(story.change(story.completed)), None),
        "a request whose outcome is unknown": _entry(encode(story.change(story.unknown)), None),
        "a release that a stolen writer's key has sealed": _entry(encode(story.change(story.stolen)), None),
        "no JSON": Entry(b"junk", ()),
        "no value": Entry(None, ()),
        "a change without a payload": Entry(value.replace(b',"payload":', b',"other":'), ()),
        "a change of another type": Entry(value.replace(b"assent.change.v1", b"assent.change.v9"), ()),
        "a number in place of a text": Entry(value.replace(b'"operation":"edit"', b'"operation":1'), ()),
        "the real one, with a huge position": _entry(value, 999_999_999),
        "the same again": _entry(value, real.released),
        "another operation while the real one is in hand": but(operation="delete"),
    }


def _entry(value: bytes, position: int | None) -> Entry:
    headers = [] if position is None else [(POSITION_HEADER, str(position).encode())]
    return Entry(value, headers)


def _judged(story: _Story, changes: dict[str, Entry]) -> list[dict[str, Any]]:
    """Each with its verdict, in this order: what is to be claimed is in hand from then on."""
    requests = folded(story.log)
    in_hand: set[str] = set()
    judged: list[dict[str, Any]] = []
    for name, entry in changes.items():
        verdict = judge(requests, entry.value, in_hand)
        [record] = written([entry])
        case = {"name": name, "value": record["value"], "headers": record["headers"], "verdict": verdict}
        judged.append(case | ({"without_evidence": CLAIM} if verdict == NO_EVIDENCE else {}))
    assert any(case["verdict"] == CLAIM for case in judged)
    return judged


def judge(requests: OpenRequests, value: bytes | None, in_hand: set[str]) -> str:
    """What the Python client makes of a record of `assent.changes`."""
    change = _read(value)
    found = None if change is None else requests.find(change.request)
    taken = change is not None and change.request in in_hand
    alone = left_alone(change, found, types=None, in_hand=taken)
    if alone is not None or change is None or found is None:
        assert alone is not None
        return alone.result
    if requests.lacking(found) is not None:
        return NO_EVIDENCE
    in_hand.add(change.request)
    return CLAIM


def _read(value: bytes | None) -> Change | None:
    try:
        return None if value is None else decode_change(value)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None
