"""A released change, as appliers receive it on `assent.changes`."""

from typing import Annotated, Final

import msgspec
from msgspec import UNSET, Meta, UnsetType

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
        Meta(description="SHA-256 of the submission's bytes; with `request` it is the idempotency key."),
    ]
    released: Annotated[int, Meta(description="The ledger seq of the release.")]
    at: Milliseconds
    payload: msgspec.Raw


decode_change = msgspec.json.Decoder(Change).decode
"""Decode a value of `assent.changes` to a Change. Raises msgspec.DecodeError if it is not one."""
