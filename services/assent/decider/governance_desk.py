"""Governance, as a Session decides it: by its own commands, and by the releases that requests have led to."""

from collections.abc import Iterator
from typing import Any, cast

from aiokafka import TopicPartition
from msgspec import UNSET, UnsetType

from assent.decider.desk import Decision, Events, OwnRecord
from assent.decider.listed import is_writer
from assent.decider.releases import ReleaseFollower
from assent_contracts.client.keys import SecretKey, verify
from assent_contracts.core.governance.carry import carry_release
from assent_contracts.core.governance.decide import Decision as GovernanceDecision
from assent_contracts.core.governance.fields import refuse
from assent_contracts.core.governance.judge import Record, judge_governance, keep_governance
from assent_contracts.core.governance.receive import read_governance_command
from assent_contracts.core.governance.state import Governance
from assent_contracts.core.received import Envelope, Received
from assent_contracts.core.sender import unattributed
from assent_contracts.evidence.signed import Signatures, signed
from assent_contracts.governance import GOVERNANCE_KEY, GovernanceEvent
from assent_contracts.refusals import Refusal, RefusalCode
from assent_contracts.topics import GOVERNANCE_COMMANDS
from assent_contracts.writers import WriterRegistry

NAME = "governance"


class GovernanceDesk:
    """The governance ledger's only writer: its state moves by its own decisions."""

    def __init__(
        self,
        identity: str,
        record: Record,
        writers: WriterRegistry,
        releases: ReleaseFollower,
        key: SecretKey,
    ) -> None:
        """`writers`: who may seal, as this ledger itself says; moved along with `record`. `key`: its own."""
        self._signatures = Signatures(identity, verify)
        self._key = key
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
    def is_retired(self) -> bool:
        """Whether the last record has retired the writer's own key."""
        return not is_writer(self.governance, self._key)

    @property
    def governance_named(self) -> UnsetType:
        """A record of this ledger is judged by what stands before it."""
        return UNSET

    async def catch_up(self) -> None:
        """Nothing: `news` is what reads the request ledger."""

    async def news(self) -> None:
        """Return when a release is there that has to be carried out. Raises NotFollowingError."""
        await self._releases.news()

    def unattributed(self, envelope: Envelope, *, signature_good: bool, at: int) -> Refusal | None:
        """The refusal of bytes that no key has signed."""
        governance = self.governance
        if governance.founder is None:
            return unattributed(
                governance, envelope.key_id, signed=bool(envelope.signature), good=signature_good, at=at
            )
        # Until the founding is closed no other key counts, whichever the header names.
        if self._signatures.is_good(signed(envelope, governance.founder)):
            return None
        return refuse(RefusalCode.BAD_SIGNATURE, "The signature is not the founder's over these bytes.")

    def read(self, envelope: Envelope) -> Received[Any] | Refusal:
        """A command of `assent.governance.commands`."""
        return read_governance_command(envelope)

    def decide(self, received: Received[Any], *, seq: int, at: int) -> Decision:
        """Decide a command whose signature is good."""
        return judge_governance(self._record, received, signature_good=True, at=at)

    def keep_decision(self, received: Received[Any], decision: Decision, *, seq: int, at: int) -> None:
        """Move the state past a command's decision."""
        kept = cast("GovernanceDecision", decision)
        keep_governance(self._record, received, kept, seq=seq, at=at)
        self._writers.apply(seq, () if isinstance(kept, Refusal) else kept)

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
