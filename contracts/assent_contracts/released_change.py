"""A released change, as appliers get it on `assent.changes`."""

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
"""Header: the ledger seq of the release, decimal. What is written again has the one that it had."""


class Change(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="assent.change.v1", gc=False):
    """What to apply, once it has been claimed.

    `request` alone names one only as long as no log was put back. The claim's decision names the digest;
    `payload`, byte for byte, must have it.
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
"""A value on `assent.changes` to a Change. Raises msgspec.DecodeError for what is none."""
