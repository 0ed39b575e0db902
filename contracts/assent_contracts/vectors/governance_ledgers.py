"""Ledgers of governance as attackers and accidents leave them. The requests are in order in all of these."""

from typing import Any, Final

from assent_contracts.client.keys import SecretKey
from assent_contracts.codec import encode
from assent_contracts.digests import sha256_hex
from assent_contracts.governance_messages import FoundingClosed, LogFounded, TimeCorrected
from assent_contracts.governance_objects import Founding
from assent_contracts.ledger import GENESIS_PREV, DecisionRecord
from assent_contracts.vectors.spoiled_log import (
    ERA,
    SECOND,
    STRANGER,
    Cases,
    Ledgers,
    Spoil,
    Spoiled,
    added,
    retired,
)
from assent_contracts.vectors.vector_log import AT, FOUNDER, PARTITIONS, RECOVERY, WRITER, Book

Step = tuple[tuple[Any, ...], SecretKey | None]
"""The events of a record, and the key that seals it, if any does."""


def _by(*steps: Step) -> Spoil:
    """Governance continues with these records, and with an honest one."""

    def spoil(log: Spoiled) -> Ledgers:
        for events, key in (*steps, ((TimeCorrected(to=AT),), WRITER)):
            log.govern(*events, key=key)
        return log.ledgers()

    return spoil


def _loss(key: SecretKey, *beside: Any) -> Spoil:
    def spoil(log: Spoiled) -> Ledgers:
        log.govern(log.loss(ERA, 1), *beside, key=key)
        return log.ledgers()

    return spoil


def _another_founding(log: Spoiled) -> Ledgers:
    """A thief's log in the same topic, before the real one."""
    founding = Founding(
        founder=FOUNDER.public,
        recovery=RECOVERY.public,
        writers={SECOND.id: SECOND.public},
        partitions=PARTITIONS,
    )
    record = DecisionRecord(seq=0, prev=GENESIS_PREV, epoch=1, at=AT, events=(LogFounded(founding=founding),))
    value = encode(record)
    entry = Book(sha256_hex(value), "governance", 0).seal(value, SECOND)
    return Ledgers([entry, *log.governance.entries], log.honest)


def _founded_again(log: Spoiled) -> Ledgers:
    founding = Founding(
        founder=STRANGER.public,
        recovery=STRANGER.public,
        writers={SECOND.id: SECOND.public},
        partitions=PARTITIONS,
    )
    log.govern(LogFounded(founding=founding))
    log.govern(FoundingClosed(), key=SECOND)
    return log.ledgers(log.sealed(log.next(governance=log.seen + 1), SECOND))


def _recovered(log: Spoiled) -> Ledgers:
    log.govern(added(SECOND), retired(WRITER), key=RECOVERY)
    changed = log.changed_writers()
    return log.ledgers(log.sealed(changed), log.sealed(changed, SECOND))


def _unsealed(log: Spoiled) -> Ledgers:
    log.govern(added(SECOND), key=None)
    return log.ledgers(log.sealed(log.next(governance=log.seen + 1), SECOND))


_OTHER: Final = (TimeCorrected(to=AT),)

CASES: Final[Cases] = {
    "governance: a run of two": ("Its runs are like those of requests.", _by((_OTHER, None))),
    "governance: an unsealed tail": ("A writer that no accepted record lists seals nothing.", _unsealed),
    "governance: another first record": (
        "The SHA-256 of record 0 is the identity; another log's record 0 does not count.",
        _another_founding,
    ),
    "governance: founded again": (
        "Only record 0 names writers and the recovery key by a founding.",
        _founded_again,
    ),
    "governance: a writer retires itself": (
        "That record counts; what it seals after that does not.",
        _by(((added(SECOND),), WRITER), ((retired(WRITER),), WRITER)),
    ),
    "governance: a writer retires itself inside a run": (
        "The record that retires the sealing key must be the last of its run.",
        _by(((added(SECOND),), WRITER), ((retired(WRITER),), None)),
    ),
    "governance: a writer seals what adds itself": (
        "The key must be listed at the head that the run follows.",
        _by(((added(SECOND),), SECOND)),
    ),
    "governance: the recovery key changes writers": (
        "A run of one record, all events of which add or retire writers.",
        _recovered,
    ),
    "governance: the recovery key does something else": ("", _by((_OTHER, RECOVERY))),
    "governance: the recovery key without an event": ("", _by(((), RECOVERY))),
    "governance: the recovery key on a run of two": (
        "",
        _by(((added(SECOND),), None), ((retired(WRITER),), RECOVERY)),
    ),
    "governance: another key under the recovery key's id": (
        "",
        _by(((added(SECOND),), SecretKey("recovery", "recovery", bytes(32)))),
    ),
    "governance: a loss that the recovery key accepts": (
        "What the requests had beyond the end that it names no longer counts.",
        _loss(RECOVERY),
    ),
    "governance: a loss beside another event": (
        "It must be the one event of its record.",
        _loss(RECOVERY, added(SECOND)),
    ),
    "governance: a loss that a writer accepts": ("Only the recovery key accepts one.", _loss(WRITER)),
}
