"""Governance, as a Session decides it: by its own commands, and by the releases that requests have led to."""

from collections.abc import Iterator, Sequence
from typing import Any, cast

from aiokafka import TopicPartition
from msgspec import UNSET, UnsetType

from assent.core.governance.carry import carry_release
from assent.core.governance.judge import Record, judge_governance, keep_governance
from assent.core.governance.receive import receive_governance
from assent.core.governance.state import Governance
from assent.core.received import Received, Unreadable, signature_bytes
from assent.decider.desk import Decision, Events, OwnRecord
from assent.decider.releases import ReleaseFollower
from assent_contracts.client.keys import verify
from assent_contracts.governance import GOVERNANCE_KEY, GovernanceEvent
from assent_contracts.refusals import Refusal
from assent_contracts.signing import command_prefix
from assent_contracts.topics import GOVERNANCE_COMMANDS
from assent_contracts.writers import WriterRegistry

NAME = "governance"


class GovernanceDesk:
    """The governance ledger's only writer: its state moves by its own decisions."""

    def __init__(
        self, identity: str, record: Record, writers: WriterRegistry, releases: ReleaseFollower
    ) -> None:
        """`writers`: who may seal, as this ledger itself says; moved along with `record`."""
        self._prefix = command_prefix(identity)
        self.place = TopicPartition(GOVERNANCE_COMMANDS, 0)
        self.name = NAME
        self._record = record
        self._writers = writers
        self._releases = releases

    @property
    def governance(self) -> Governance:
        """The state now."""
        return self._record.governance

    @property
    def at(self) -> int:
        """Log time of the last record, ms."""
        return self._record.at

    @property
    def governance_named(self) -> UnsetType:
        """A record of this ledger is judged by what stands before it."""
        return UNSET

    async def catch_up(self) -> None:
        """Nothing: `news` is what reads the request ledger."""

    async def news(self) -> None:
        """Return when a release is there that has to be carried out. Raises NotFollowingError."""
        await self._releases.news()

    def receive(
        self, value: bytes | None, key: bytes | None, headers: Sequence[tuple[str, bytes]]
    ) -> Received[Any] | Unreadable:
        """Read one record of `assent.governance.commands`."""
        return receive_governance(value, key, headers)

    def decide(self, received: Received[Any], *, signature_good: bool, seq: int, at: int) -> Decision:
        """Decide a command and move the state past it."""
        founder = self.governance.founder
        if founder is not None:
            # Until the founding is closed no other key counts, whichever the header names.
            signature_good = self._is_signed_with(founder, received)
        decision = judge_governance(self._record, received, signature_good=signature_good, at=at)
        keep_governance(self._record, received, decision, seq=seq, at=at)
        self._writers.apply(seq, () if isinstance(decision, Refusal) else decision)
        return decision

    def keep(self, events: Events, *, seq: int, at: int) -> None:
        """Move the state past a record that is no command's decision."""
        changes = cast("tuple[GovernanceEvent, ...]", events)
        self._record.take(seq, at, changes)
        self._writers.apply(seq, changes)

    def due(self, at: int) -> Iterator[OwnRecord]:
        """A record for each release that none stands for yet: never two."""
        for release in self._releases.waiting():
            if release.request not in self.governance.carried:
                events = carry_release(
                    self.governance,
                    release.submission.value,
                    at,
                    request=release.request,
                    released=release.seq,
                    digest=release.digest,
                    as_of=release.as_of,
                )
                yield OwnRecord(GOVERNANCE_KEY, events, release.submission)

    def measure(self) -> None:
        """Nothing beside what every ledger has."""

    def _is_signed_with(self, public_key: bytes, received: Received[Any]) -> bool:
        signature = signature_bytes(received)
        return signature is not None and verify(public_key, self._prefix + received.value_sha256, signature)
