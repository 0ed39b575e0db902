"""What is known of the ledgers outside the broker: signed heads, which every process may ask for."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence

from assent_contracts.acceptance import Head
from assent_contracts.digests import sha256_hex, to_base64url
from assent_contracts.governance_objects import Loss
from assent_contracts.heads import (
    NOTHING,
    Finding,
    Found,
    KeptHead,
    KnownHead,
    Place,
    SignedHead,
    compare,
    encode_head,
    head_message,
    known_heads,
    verify_head,
)
from assent_contracts.topics import LedgerName
from tests.simulation.broker import Topic
from tests.simulation.organisation import Founded


class Outside:
    """The newest signed head of each place, era and writer."""

    def __init__(self, log: Founded) -> None:
        self._log = log
        self._kept: dict[tuple[Place, str, str], tuple[int, KeptHead, SignedHead]] = {}

    def sign(self, key: str, head: SignedHead) -> None:
        """A writer publishes a confirmed head."""
        place: Place = (head.ledger, head.partition)
        slot = (place, head.era, key)
        if slot in self._kept and self._kept[slot][0] >= head.seq:
            return
        value = encode_head(head)
        seal = to_base64url(self._log.signing.sign(key, head_message(self._log.identity, value)))
        self._kept[slot] = (head.seq, KeptHead(value.decode(), key, seal), head)

    def reach(self, ledger: LedgerName, keys: Iterable[str], era: str) -> int:
        """The end offset of a ledger according to these keys in an era. Uses no rules."""
        said = (self._kept.get(((ledger, 0), era, key)) for key in keys)
        # If a record was appended twice, the first counts.
        furthest = [(each[0], -each[2].next_offset) for each in said if each is not None]
        return -max(furthest)[1] if furthest else 0

    def said_in(self, era: str) -> list[SignedHead]:
        """What honest writers have signed in an era, whether or not their keys are listed now."""
        return [head for _, _, head in self._kept.values() if head.era == era]

    def heads(self, writers: Mapping[str, bytes]) -> list[SignedHead]:
        """All heads of the listed keys, including void ones."""
        identity, verify = self._log.identity, self._log.signing.verify
        return [
            head
            for _, kept, head in self._kept.values()
            if verify_head(identity, kept.value.encode(), kept.headers, writers, verify) == "good"
        ]

    def known(self, writers: Mapping[str, bytes], losses: Sequence[Loss]) -> dict[Place, KnownHead]:
        """What is known of each place by the listed keys, once these losses were accepted."""
        return known_heads(self.heads(writers), losses)


def known_of(ledger: LedgerName, head: Head) -> KnownHead:
    """What a reader at this head knows."""
    return KnownHead(
        ledger=ledger, partition=0, seq=head.seq, sha256=head.value_sha256, next_offset=head.next_offset
    )


def missing(known: KnownHead | None, topic: Topic) -> Finding | None:
    """What is known of a ledger's partition but missing, by its end and by its last record."""
    if known is None:
        return None
    there = topic.entries[known.next_offset - 1 : known.next_offset] if known.next_offset else []
    sha256 = sha256_hex(there[0].value or b"") if there else NOTHING
    return compare(known, Found(beginning=0, end=topic.end, sha256=sha256))


def first(findings: Iterable[Finding | None]) -> Finding | None:
    """The first finding, if there is one."""
    return next((each for each in findings if each is not None), None)


def sha256_at(topic: Topic, offset: int) -> str | None:
    """Of the command at an offset, hex; None before the first."""
    if not 0 <= offset < topic.end:
        return None
    return hashlib.sha256(topic.entries[offset].value or b"").hexdigest()
