"""R23: whether evidence received from another party proves what was submitted. Pure.

That party is not trusted: the evidence is checked against the log's identity alone.
"""

from collections.abc import Sequence
from typing import Protocol

import msgspec

from assent.reading.governance_diff import GovernanceDiff, governance_diff
from assent.reading.submitted_content import Submitted, submitted_in
from assent_contracts.acceptance import VerifySeal
from assent_contracts.core.governance.state import Governance
from assent_contracts.core.governance.state_history import advance_to
from assent_contracts.core.sender import Sender, identify
from assent_contracts.digests import from_base64url
from assent_contracts.governance_messages import GovernanceEvent
from assent_contracts.ledger import RecordedCommand, decode_record, decode_recorded_command
from assent_contracts.proof import NotProven, RecordPlace, SealedRun, verify_run
from assent_contracts.resources import parse_request_id
from assent_contracts.signing import SIGNATURE_BYTES, command_message
from assent_contracts.writer_registry import WriterRegistry


class KnownGovernance(Protocol):
    """The accepted governance ledger of the log with this identity, followed or received and verified."""

    @property
    def identity(self) -> str:
        """SHA-256 (hex) of governance record 0's value."""
        ...

    @property
    def writers(self) -> WriterRegistry:
        """The writers that governance names."""
        ...

    @property
    def history(self) -> Sequence[tuple[GovernanceEvent, ...]]:
        """The events of each seq."""
        ...


class Evidence(msgspec.Struct, frozen=True, kw_only=True):
    """What is offered as a request's submission: the record's value, and the run up to its seal.

    Without the run (`following` is None) the record's place is not proven, but the sender's signature still
    is.
    """

    value: bytes
    following: tuple[bytes, ...] | None = None
    writer: str = ""
    seal: str = ""


class ProvenSubmission(msgspec.Struct, frozen=True, kw_only=True):
    """What was submitted, by a sender whose signature is valid in this log."""

    submitted: Submitted
    through: str | None
    """The gateway that signed for the requester."""
    is_sealed: bool
    """Whether a writer's seal proves the record's place too. Otherwise the request's id is unproven. That
    cannot cause a wrong decision: the ledger refuses a decision whose submission is not the request's."""
    change: GovernanceDiff | None
    """For built-in types, what it would change in governance. None without a seal, because only a seal
    proves which state of governance it was submitted under."""


def proven_submission(
    evidence: Evidence, request: str, known: KnownGovernance, verify: VerifySeal
) -> ProvenSubmission | NotProven:
    """The submission of `request`, if the evidence proves it.

    The request's id is always the one that was asked for, never one from the answer.
    """
    place = parse_request_id(request)
    if place is None:
        return NotProven(f"{request[:40]!r} is not a request id.")
    if evidence.following is not None:
        run = SealedRun(
            values=(evidence.value, *evidence.following), writer=evidence.writer, seal=evidence.seal
        )
        proven = verify_run(
            run, RecordPlace("ledger", *place, known.identity), writers=known.writers, verify=verify
        )
        if isinstance(proven, NotProven):
            return proven
    submitted = submitted_in(evidence.value, *place)
    if isinstance(submitted, NotProven):
        return submitted
    if not 0 <= submitted.governance < len(known.history):
        return NotProven("It was decided under governance records that were not provided.")
    sender = _sender(evidence.value, submitted, known, verify)
    if isinstance(sender, NotProven):
        return sender
    is_sealed = evidence.following is not None
    return ProvenSubmission(
        submitted=submitted,
        through=sender.through,
        is_sealed=is_sealed,
        change=governance_diff(submitted, lambda seq: _governance_at(known, seq)) if is_sealed else None,
    )


def _sender(
    value: bytes, submitted: Submitted, known: KnownGovernance, verify: VerifySeal
) -> Sender | NotProven:
    recorded = decode_recorded_command(decode_record(value))
    if not isinstance(recorded, RecordedCommand):
        return NotProven("It contains no command.")
    governance = _governance_at(known, submitted.governance)
    signature, key = _signature(recorded), governance.keys.get(recorded.key)
    message = command_message(known.identity, bytes(recorded.value))
    good = key is not None and signature is not None and verify(key.public_key, message, signature)
    sender = identify(
        governance,
        submitted.requester,
        recorded.key,
        signed=signature is not None,
        good=good,
        received_at=submitted.received_at,
        resource=submitted.resource,
        of_upstreams=True,
    )
    if isinstance(sender, Sender):
        return sender
    return NotProven(f"Its sender's signature is not valid in this log: {sender.detail}")


def _signature(recorded: RecordedCommand) -> bytes | None:
    try:
        signature = from_base64url(recorded.signature)
    except ValueError:
        return None
    return signature if len(signature) == SIGNATURE_BYTES else None


def _governance_at(known: KnownGovernance, seq: int) -> Governance:
    governance = Governance()
    advance_to(governance, known.history, seq)
    return governance
