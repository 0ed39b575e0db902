"""Released changes as they come on `assent.changes`, and what an applier does with each."""

from collections.abc import Iterator, Sequence
from typing import Any, Final

import msgspec
from msgspec import Raw

from assent_contracts import commands as c
from assent_contracts.acceptance import Accepted
from assent_contracts.client.applier_steps import left_alone
from assent_contracts.client.keys import verify_signature
from assent_contracts.client.open_requests import OpenRequests, submitted_payload
from assent_contracts.codec import encode
from assent_contracts.digests import sha256_hex
from assent_contracts.events import ChangeReleased
from assent_contracts.evidence.governance_evidence import GovernanceEvidence
from assent_contracts.partitioner import partition_for
from assent_contracts.released_change import POSITION_HEADER, Change, decode_change, idempotency_key
from assent_contracts.vectors.request_states import request_states
from assent_contracts.vectors.set_story import COORDINATOR, SetStory, coordinator
from assent_contracts.vectors.vector_forms import Entry, written
from assent_contracts.vectors.vector_log import AT, PARTITION, PARTITIONS, VectorLog, hash_of

CLAIM: Final = "claim"
"""The verdict of what is to be claimed; the others are those of `client.handled.Handled`."""
NO_EVIDENCE: Final = "no-evidence"
_STOLEN: Final = "a release that a stolen writer's key has sealed"
_DIFFERING: Final[tuple[dict[str, Any], ...]] = (
    {"payload": Raw(b'{"version":3}')},
    {"operation": "delete"},
    {"base": "v1"},
    {"justification": "Other rates."},
    {"emergency": True},
    {"not_before": AT + 1},
)
"""Fields that a member states otherwise than its set."""


def _other_objects() -> list[str]:
    named = (f"app/object-{number}" for number in range(400))
    return [name for name in named if partition_for(name.encode(), PARTITIONS) == PARTITION]


class _Story:
    """A log in which requests have come to every state."""

    def __init__(self) -> None:
        self.log = log = VectorLog(coordinator())
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
        self.renewed, command = log.released(next(objects))
        log.renew(self.renewed, command, log.claim(self.renewed, command).seq)
        self._settle(objects)
        self._end_otherwise(objects)
        self._sets(objects)
        # Last, as the honest writer does not know of it.
        self.stolen, command = log.submit(next(objects))
        self._release_without_approval(self.stolen, command)

    def _settle(self, objects: Iterator[str]) -> None:
        """Outcomes that are unknown, and what people make of them."""
        log = self.log
        for outcome in ("succeeded", "failed", "retry"):
            request, command = log.released(next(objects))
            log.claim(request, command)
            log.report(request, command, "unknown", message="It did not answer.")
            self.again, self.before_again = request, len(log.requests.accepted)
            log.settle(request, command, outcome)

    def _end_otherwise(self, objects: Iterator[str]) -> None:
        log = self.log
        request, command = log.released(next(objects))
        claim = log.claim(request, command).seq
        log.report(request, command, claim=claim, message="It is there.", version='W/"18"')
        request, command = log.released(next(objects))
        log.claim(request, command)
        log.report(request, command, "failed", message="Nothing was changed: it is locked.")
        request, command = log.submit(next(objects))
        log.send(c.Reject(**log.on("bob", request, command), submission=hash_of(command), note="Not now."))
        request, command = log.submit(next(objects))
        log.approve(request, command)
        log.send(c.Revoke(**log.on("bob", request, command)))
        log.send(c.Approve(**log.on("carol", request, command), submission=hash_of(command)))
        request, command = log.submit(next(objects))
        log.send(c.Cancel(**log.on("alice", request, command)))
        request, command = log.submit(next(objects))
        log.send(c.CloseRequest(**log.on("carol", request, command), reason="Nobody needs it."))

    def _sets(self, objects: Iterator[str]) -> None:
        log = self.log
        whole = SetStory(log, next(objects), [next(objects), next(objects)])
        whole.release()
        self.member, self.ended_member = map(whole.release_member, whole.members)
        log.claim(*whole.members[1])
        log.report(*whole.members[1])
        self.repeated_member = whole.release_member(whole.submit(whole.members[1][1].resource))
        listed = [next(objects), next(objects), next(objects)]
        other = SetStory(log, next(objects), listed)
        other.release()
        self.unlisted = other.release_member(other.submit(next(objects)))
        waiting = SetStory(log, next(objects), [next(objects), next(objects), next(objects)])
        self.of_no_release = waiting.release_member(waiting.members[0])
        self.differing = [self._differing(objects, **fields) for fields in _DIFFERING]

    def _differing(self, objects: Iterator[str], **fields: Any) -> str:
        """A member that differs from what its released set lists."""
        log = self.log
        resource = next(objects)
        story = SetStory(log, next(objects), [resource])
        [(listed, command)] = story.members
        log.send(c.Cancel(**log.on(COORDINATOR, listed, command)))
        other = story.submit(resource, **fields)
        story.release()
        return story.release_member(other)

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

    def change(self, request: str, *, before: int | None = None) -> Change:
        """What dispatch writes for a request that is released; for others, what it would.

        `before`: how many records the ledger had at that time, if not all.
        """
        seq = int(request.partition("-")[2])
        accepted = self.log.requests.accepted[:before]
        # As it was before the claim: only then does the ledger have all of it.
        for end in range(len(accepted), seq, -1):
            found = folded(self.log, accepted[:end]).find(request)
            if found is not None and found.release is not None:
                return found.change(submitted_payload(accepted[seq].value))
        msg = f"{request} was never released"
        raise AssertionError(msg)


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
        "requests": request_states(story.log),
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
        _STOLEN: _entry(encode(story.change(story.stolen)), None),
        "a request whose lease was renewed": _entry(encode(story.change(story.renewed)), None),
        "an earlier release of what people have released again": _entry(
            encode(story.change(story.again, before=story.before_again)), None
        ),
        "the later release of it": _entry(encode(story.change(story.again)), None),
        "a member of a released set": _entry(encode(story.change(story.member)), None),
        "a member of a released set that has ended": _entry(encode(story.change(story.ended_member)), None),
        "a released member with the content of one that has ended": _entry(
            encode(story.change(story.repeated_member)), None
        ),
        "a released member whose set is not released": _entry(
            encode(story.change(story.of_no_release)), None
        ),
        "a released member that its released set does not list": _entry(
            encode(story.change(story.unlisted)), None
        ),
        **{
            f"a released member that differs from its set in {', '.join(fields)}": _entry(
                encode(story.change(request)), None
            )
            for fields, request in zip(_DIFFERING, story.differing, strict=True)
        },
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
        if verdict == CLAIM and entry.value is not None:
            case["idempotency_key"] = idempotency_key(story.log.identity, decode_change(entry.value))
        if name == _STOLEN:
            case["without_evidence"] = CLAIM
        judged.append(case)
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
