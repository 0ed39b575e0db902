"""A released change, as appliers receive it on `assent.changes`."""

import hashlib
from typing import Annotated, Final

import msgspec
from msgspec import UNSET, Meta, UnsetType

from assent_contracts.change_details import Base
from assent_contracts.commands import (
    Digest,
    Justification,
    Milliseconds,
    OnBehalfOf,
    Operation,
    PrincipalId,
    RequestId,
    Resource,
)

POSITION_HEADER: Final = "assent-position"
"""Header: the ledger seq of the release, decimal. A release that is written again keeps its seq."""


class Change(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="assent.change.v1", gc=False):
    """What to apply, once it has been claimed.

    `request` alone is not unique once a log has been restored. The claim's decision names the digest, which
    must be that of `payload`, byte for byte.
    """

    request: RequestId
    resource: Resource
    operation: Operation
    requester: PrincipalId
    on_behalf_of: OnBehalfOf | UnsetType = UNSET
    justification: Justification
    digest: Digest
    submission: Annotated[
        Digest,
        Meta(description="SHA-256 of the submission's bytes: everything that was approved."),
    ]
    released: Annotated[int, Meta(description="The ledger seq of the release.")]
    at: Milliseconds
    payload: msgspec.Raw
    base: Base | UnsetType = UNSET


decode_change = msgspec.json.Decoder(Change).decode
"""Decode a value of `assent.changes` to a Change. Raises msgspec.DecodeError if it is not one."""


def idempotency_key(identity: str, change: Change) -> str:
    """The idempotency key of a release: 64 hex digits, the same on every try and different for any other.

    It is the SHA-256 of `assent.idempotency.v1`, a zero byte, the log's identity (hex), and the change's
    `request`, `submission`, `released` and `at`, with a space before each. The time is needed because a log
    that was restored can release the same submission again at the same place.
    """
    named = f"{identity} {change.request} {change.submission} {change.released} {change.at}"
    return hashlib.sha256(b"assent.idempotency.v1\0" + named.encode()).hexdigest()
