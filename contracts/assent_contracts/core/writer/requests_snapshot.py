"""A snapshot of a writer of requests: all that it knows of its partition's records, as bytes. Pure.

A writer that starts from a snapshot decides as one that has read the ledger from its start.
"""

from typing import Final

import msgspec

from assent_contracts.acceptance import Head
from assent_contracts.core.requests.partition_state import PartitionContent, PartitionState
from assent_contracts.core.writer.requests_desk import RequestsDesk
from assent_contracts.core.writer.writer import IsSigned, PartitionWriter, Sealer

FORMAT: Final = 1
"""Changes with the content's form. A snapshot of another format is ignored, because the ledger has it all."""


class _Content(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    state: PartitionContent
    epoch: int
    last_decided: tuple[int, int]
    input_sha256: str | None


_decode = msgspec.msgpack.Decoder(_Content).decode
_encode = msgspec.msgpack.Encoder().encode


class SnapshotError(Exception):
    """The bytes are not a snapshot of this format and partition."""


def snapshot_of(writer: PartitionWriter[RequestsDesk]) -> bytes:
    """The snapshot of a writer, all of whose records have been taken."""
    # After an accepted loss the next input need not follow the last one, and its hash is not the last one's.
    follows = writer.next_input == writer.last_decided[1] + 1
    sha256 = writer.input_sha256 if follows else None
    return _encode(_Content(writer.desk.state.content(), writer.epoch, writer.last_decided, sha256))


def writer_from(
    snapshot: bytes, partition: int, head: Head, *, sealer: Sealer | None, is_signed: IsSigned
) -> PartitionWriter[RequestsDesk]:
    """The writer of a snapshot, before its own term, to be advanced past the records after `head`.

    Raises SnapshotError.
    """
    try:
        content = _decode(snapshot)
        state = PartitionState.of(content.state)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, IndexError) as error:
        raise SnapshotError(type(error).__name__) from error
    if state.partition != partition or state.records != head.seq + 1:
        raise SnapshotError("it is of another partition or position")
    writer = PartitionWriter(RequestsDesk(partition, state), head, sealer=sealer, is_signed=is_signed)
    writer.resume(epoch=content.epoch, last_decided=content.last_decided, input_sha256=content.input_sha256)
    return writer
