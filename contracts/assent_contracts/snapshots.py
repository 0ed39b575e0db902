"""Snapshots of ledger partitions on `assent.snapshots`: what a writer says of one, and when it counts. Pure.

A snapshot is a copy of what the ledger leads to, so it may be missing, too old or false at any time: whoever
does not use it reads the ledger from its start. Its bytes are in pieces before its manifest, which is signed.
"""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from assent_contracts import limits
from assent_contracts.acceptance import Head
from assent_contracts.codec import encode
from assent_contracts.commands import Digest
from assent_contracts.digests import DIGEST_PATTERN
from assent_contracts.eras import FIRST_ERA
from assent_contracts.heads import Verdict, VerifyHead, verdict_on

MANIFEST_MAX_BYTES: Final = 1_024
PIECE_BYTES: Final = 512 * 1024
"""The size of each piece but the last."""
SNAPSHOT_MAX_BYTES: Final = 1024 * 1024 * 1024
"""A larger snapshot is neither written nor read."""
MANIFEST_KEY: Final = b"manifest"
"""The Kafka key of a manifest. A piece has the id of its snapshot."""
_PREFIX: Final = b"assent.snapshot.v1\0"


class SnapshotManifest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, gc=False):
    """One snapshot of a request partition, as the writer that made it states it."""

    id: Annotated[str, Meta(pattern="^[0-9a-f]{32}$", description="The Kafka key of its pieces.")]
    format: Annotated[int, Meta(ge=1, description="The form of its content.")]
    partition: Annotated[int, Meta(ge=0, lt=limits.PARTITIONS_MAX)]
    seq: Annotated[int, Meta(ge=0, description="Of the last record that it includes.")]
    sha256: Annotated[Digest, Meta(pattern=f"^{DIGEST_PATTERN}$", description="Of that record's value.")]
    governance: Annotated[int, Meta(ge=-1, description="The governance seq that this record names.")]
    next_offset: Annotated[int, Meta(ge=1, description="The ledger offset after that record.")]
    era: Annotated[str, Meta(description="The id of the last accepted loss; empty before the first.")] = (
        FIRST_ERA
    )
    first_offset: Annotated[int, Meta(ge=0, description="Where its first piece is on this topic.")]
    size: Annotated[int, Meta(ge=1, le=SNAPSHOT_MAX_BYTES, description="Bytes.")]
    content: Annotated[Digest, Meta(pattern=f"^{DIGEST_PATTERN}$", description="SHA-256 of its bytes.")]

    @property
    def head(self) -> Head:
        """The accepted head after which the ledger continues."""
        return Head(self.seq, self.sha256, self.governance, self.next_offset)

    @property
    def pieces(self) -> int:
        """How many pieces it has."""
        return -(-self.size // PIECE_BYTES)


def snapshot_message(identity: str, value: bytes) -> bytes:
    """The bytes that a writer signs for a manifest with this value, in the log with this identity (hex)."""
    return _PREFIX + bytes.fromhex(identity) + hashlib.sha256(value).digest()


def encode_manifest(manifest: SnapshotManifest) -> bytes:
    """The value to sign and write."""
    return encode(manifest)


_decode = msgspec.json.Decoder(SnapshotManifest).decode


def decode_manifest(value: bytes | None) -> SnapshotManifest | None:
    """The manifest in a value; None if it is not one. It does not count before `verify_manifest`."""
    if value is None or len(value) > MANIFEST_MAX_BYTES:
        return None
    try:
        return _decode(value)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None


def verify_manifest(
    identity: str,
    value: bytes,
    headers: Sequence[tuple[str, bytes]],
    writers: Mapping[str, bytes],
    verify: VerifyHead,
) -> Verdict:
    """Whether a writer has signed `value` as a manifest of the log with this identity (hex).

    `writers`: the keys that governance lists now, by id.
    """
    return verdict_on(snapshot_message(identity, value), headers, writers, verify)


def why_not_usable(
    manifest: SnapshotManifest,
    *,
    partition: int,
    format_read: int,
    era: str,
    governance: int,
    known: int,
) -> str | None:
    """Why a signed snapshot cannot be started from; None if it can.

    `era`, `governance`: the log's now, and the last governance seq that was read. `known`: up to which seq
    the partition is known elsewhere. Past that, nothing would show that the ledger has lost what was known.
    """
    if manifest.partition != partition:
        return f"it is of partition {manifest.partition}"
    if manifest.format != format_read:
        return f"it has format {manifest.format}, and this version reads {format_read}"
    if manifest.era != era:
        return "a loss was accepted since, or is not known here"
    if manifest.governance > governance:
        return f"it names governance seq {manifest.governance}, which was not read"
    if manifest.seq > known:
        return f"it goes to seq {manifest.seq}, and the ledger is known to seq {known}"
    return None
