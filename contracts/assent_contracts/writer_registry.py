"""The keys that may seal the ledgers, as of each seq of the governance ledger."""

from collections.abc import Callable, Sequence
from typing import Final, Protocol

import msgspec

from assent_contracts.digests import from_base64url
from assent_contracts.governance_messages import (
    GovernanceEvent,
    LogFounded,
    LossAccepted,
    WriterAdded,
    WriterRetired,
)
from assent_contracts.governance_objects import Loss
from assent_contracts.ledger import LedgerRecord

RECOVERY: Final = "recovery"
"""The id under which the recovery key seals. No writer has this id."""


class WriterKeys(Protocol):
    """What the acceptance rule needs to know about writers."""

    def public_key(self, key_id: str, governance_seq: int) -> bytes | None:
        """The 32 bytes of the key; None if it is not a writer's at that governance seq."""
        ...

    def recovery_key(self) -> bytes | None:
        """The 32 bytes of the recovery key; None before the log is founded."""
        ...

    @property
    def losses(self) -> tuple[Loss, ...]:
        """The losses that the recovery key has accepted, in order."""
        ...


class _Listed(msgspec.Struct, frozen=True, gc=False):
    """A writer's key, and the governance records that listed and retired it."""

    public_key: bytes
    since: int
    until: int | None = None


class WriterRegistry:
    """The writers in the governance ledger, each listed from one seq on, some until another."""

    def __init__(self) -> None:
        self._listed: dict[str, _Listed] = {}
        self._recovery: bytes | None = None
        self.losses: tuple[Loss, ...] = ()
        """The losses that the recovery key has accepted, in order."""
        self.head = -1
        """The last governance seq that has been consumed."""

    def apply(self, seq: int, events: tuple[GovernanceEvent, ...]) -> None:
        """Consume the accepted governance record `seq`. Records come in order."""
        assert seq == self.head + 1, f"governance seq {seq} after {self.head}"
        for event in events:
            match event:
                # Only record 0 founds the log. Another such record, sealed with a stolen key, changes
                # nothing.
                case LogFounded(founding=founding) if seq == 0:
                    self._recovery = from_base64url(founding.recovery)
                    for key_id, public_key in founding.writers.items():
                        self._listed[key_id] = _Listed(from_base64url(public_key), seq)
                # The rules decide no such event, but a stolen key could seal one. It must not change the
                # past.
                case WriterAdded(writer=writer) if writer.id not in self._listed:
                    self._listed[writer.id] = _Listed(from_base64url(writer.public_key), seq)
                case WriterRetired(writer=key_id) if key_id in self.public_keys():
                    self._listed[key_id] = msgspec.structs.replace(self._listed[key_id], until=seq)
                # By the acceptance rule, only the recovery key seals it.
                case LossAccepted(loss=loss):
                    self.losses = (*self.losses, loss)
                case _:
                    pass
        self.head = seq

    def public_key(self, key_id: str, governance_seq: int) -> bytes | None:
        """The 32 bytes of the key; None if it is not a writer's at that governance seq."""
        listed = self._listed.get(key_id)
        if listed is None or not listed.since <= governance_seq <= self.head:
            return None
        return listed.public_key if listed.until is None or governance_seq < listed.until else None

    def recovery_key(self) -> bytes | None:
        """The 32 bytes of the recovery key; None before the log is founded."""
        return self._recovery

    def public_keys(self) -> dict[str, bytes]:
        """The keys of all current writers, by id."""
        return {key_id: each.public_key for key_id, each in self._listed.items() if each.until is None}

    def ever_listed(self, key_id: str) -> bytes | None:
        """The key with this id, retired or not, or the recovery key; None if there is none."""
        if key_id == RECOVERY:
            return self._recovery
        listed = self._listed.get(key_id)
        return None if listed is None else listed.public_key


class _Named(msgspec.Struct, gc=False):
    type: str
    writer: msgspec.Raw = msgspec.Raw()


_decode_named = msgspec.json.Decoder(tuple[_Named, ...]).decode
_decode_changes = msgspec.json.Decoder(tuple[WriterAdded | WriterRetired | LossAccepted, ...]).decode
_RETIRED: Final = "assent.writer-retired.v1"
_LOSS: Final = "assent.loss-accepted.v1"


def governance_sealer(
    writers: WriterKeys, key_id: str, head: int, run: Sequence[LedgerRecord]
) -> bytes | None:
    """The 32 bytes of the key whose seal under `key_id` makes a run of the governance ledger count, if any.

    `head`: the seq of the accepted record that the run follows. A writer's seal counts up to the record that
    retires its key, so that record must be the last of its run. It does not count on a run that accepts a
    loss, because a stolen key could then void the heads that are known outside. The recovery key seals only a
    run of one record. All events of that record add or retire writers, or its one event accepts a loss.
    """
    if key_id == RECOVERY:
        return writers.recovery_key() if len(run) == 1 and _only_recovers(run[0]) else None
    if any(_retires(record, key_id) for record in run[:-1]) or any(map(_accepts_a_loss, run)):
        return None
    return writers.public_key(key_id, head)


def _only_recovers(record: LedgerRecord) -> bool:
    if not isinstance(record.events, msgspec.Raw) or record.refusal is not msgspec.UNSET:
        return False
    try:
        events = _decode_changes(record.events)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False
    return bool(events) and (len(events) == 1 or not any(isinstance(each, LossAccepted) for each in events))


def _retires(record: LedgerRecord, key_id: str) -> bool:
    named = msgspec.json.encode(key_id)
    return _has(record, lambda event: event.type == _RETIRED and bytes(event.writer) == named)


def _accepts_a_loss(record: LedgerRecord) -> bool:
    return _has(record, lambda event: event.type == _LOSS)


def _has(record: LedgerRecord, is_such: Callable[[_Named], bool]) -> bool:
    """Whether `is_such` holds for one of a record's events. Events that cannot be read could be anything."""
    if not isinstance(record.events, msgspec.Raw):
        return False
    try:
        return any(map(is_such, _decode_named(record.events)))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return True
