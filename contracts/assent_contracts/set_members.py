"""R29: the payload of a set, which lists its members."""

import hashlib
from typing import Annotated, Final

import msgspec
from msgspec import UNSET, Meta, UnsetType

from assent_contracts import limits
from assent_contracts.codec import encode
from assent_contracts.commands import Base, Digest, Operation, Resource, SubmitChange


class SetMember(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, gc=False):
    """One member: a change to one object. Its payload is in the member's own submission."""

    resource: Resource
    operation: Operation
    digest: Digest
    base: Base | UnsetType = UNSET


class SetPayload(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, gc=False):
    """The payload of a set's submission."""

    members: Annotated[tuple[SetMember, ...], Meta(description="In any order, each object once.")]


_decode: Final = msgspec.json.Decoder(SetPayload).decode


def set_members(payload: bytes) -> tuple[SetMember, ...] | None:
    """The members that a set's payload lists; None if it lists none, or too many, or is something else."""
    try:
        members = _decode(payload).members
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return None
    return members if 0 < len(members) <= limits.SET_MEMBERS_MAX else None


def hashes_in_set(submission: SubmitChange) -> frozenset[bytes]:
    """The hash of each member that an accepted set lists. It covers everything but the payload's bytes."""
    members = set_members(bytes(submission.payload))
    return frozenset(_hash(submission, member) for member in members or ())


def hash_of_member(submission: SubmitChange) -> bytes:
    """The hash of a member's own submission: in its set's, if the set lists exactly this change."""
    return _hash(submission, member_of(submission))


def member_of(submission: SubmitChange) -> SetMember:
    """What a set lists of this submission."""
    return SetMember(
        resource=submission.resource,
        operation=submission.operation,
        digest=hashlib.sha256(submission.payload).hexdigest(),
        base=submission.base,
    )


def _hash(submission: SubmitChange, member: SetMember) -> bytes:
    # One requester, one justification and one window for all.
    common = {
        name: value
        for name in ("principal", "justification", "on_behalf_of", "emergency", "not_before", "not_after")
        if (value := getattr(submission, name)) is not UNSET
    }
    return hashlib.sha256(encode((common, member))).digest()
