"""Decide a governance record that carries out a release again, from the submission that it contains."""

from collections.abc import Callable

import msgspec

from assent_contracts.codec import encode
from assent_contracts.commands import Command, SubmitChange
from assent_contracts.core.governance.decide import Release, carry_out
from assent_contracts.core.governance.state import Governance
from assent_contracts.core.received import Received
from assent_contracts.core.requests.receive import received_again
from assent_contracts.digests import sha256_hex
from assent_contracts.evidence.release_references import ReleaseReference
from assent_contracts.governance_changes import GovernanceChange, object_of
from assent_contracts.governance_codec import decode_governance_change
from assent_contracts.governance_messages import GovernanceEvent, ReleaseCarriedOut, ReleaseRefused
from assent_contracts.ledger import LedgerRecord, RecordedCommand
from assent_contracts.refusals import Refusal
from assent_contracts.resources import parse_request_id

IsSignedSubmission = Callable[[Received[Command], bytes | None], bool]
"""Returns whether a command has a signature by this public key. None means that there is no such key."""


def carried_again(
    governance: Governance,
    record: LedgerRecord,
    recorded: RecordedCommand,
    release: ReleaseCarriedOut | ReleaseRefused,
    is_signed: IsSignedSubmission,
) -> ReleaseReference | str:
    """R18: what the record claims about the request ledger, or what is wrong with the record.

    Its events must be what the rules make of the submission. That it was released remains a claim.
    """
    received = received_again(recorded)
    if isinstance(received, Refusal) or not isinstance(received.command, SubmitChange):
        return "it carries out a release and contains no submission"
    key = governance.keys.get(received.key_id)
    if not is_signed(received, None if key is None else key.public_key):
        return "the submission that it contains is not signed by the key that it names"
    change = _released_change(governance, received.command, release)
    if isinstance(change, str):
        return change
    decided = carry_out(
        governance,
        change,
        Release(
            request=release.request,
            released=release.released,
            digest=release.digest,
            as_of=release.as_of,
            requester=received.command.principal,
        ),
        record.at,
    )
    if not isinstance(record.events, msgspec.Raw) or encode(_worded(decided, release)) != bytes(
        record.events
    ):
        return "the rules make something else of the release"
    return ReleaseReference(
        seq=record.seq,
        request=release.request,
        released=release.released,
        digest=release.digest,
        as_of=release.as_of,
        submission_sha256=received.value_sha256,
    )


def _released_change(
    governance: Governance, submission: SubmitChange, release: ReleaseCarriedOut | ReleaseRefused
) -> GovernanceChange | str:
    payload = bytes(submission.payload)
    change = decode_governance_change(payload)
    if isinstance(change, Refusal):
        return f"what was submitted is not a change to governance: {change.detail}"
    if parse_request_id(release.request) is None:
        return "it names no request"
    if release.request in governance.release_outcomes:
        return f"the release of {release.request} was carried out before"
    if sha256_hex(payload) != release.digest:
        return "the digest that it names is not the submission's"
    if submission.resource != object_of(change):
        return f"what was submitted changes {object_of(change)}, not its resource"
    return change


def _worded(
    decided: tuple[GovernanceEvent, ...], recorded: ReleaseCarriedOut | ReleaseRefused
) -> tuple[GovernanceEvent, ...]:
    """The decided events with the recorded refusal's detail, which is for people and may be reworded."""
    last = decided[-1]
    if not isinstance(last, ReleaseRefused) or not isinstance(recorded, ReleaseRefused):
        return decided
    refusal = msgspec.structs.replace(last.refusal, detail=recorded.refusal.detail)
    return (*decided[:-1], msgspec.structs.replace(last, refusal=refusal))
