"""The governance of a log in memory, founded by the real rules."""

from collections.abc import Sequence
from typing import Any, Final

from msgspec import Raw

from assent_contracts.acceptance import first_head
from assent_contracts.access_policies import Policy
from assent_contracts.client.keys import SecretKey
from assent_contracts.codec import encode
from assent_contracts.core.governance.receive import governance_received_again
from assent_contracts.core.writer.chain import Chain
from assent_contracts.core.writer.governance_desk import GovernanceDesk
from assent_contracts.digests import sha256_hex, to_base64url
from assent_contracts.governance_messages import (
    ChangeGovernance,
    CloseFounding,
    FoundLog,
    GovernanceCommand,
    GovernanceEvent,
)
from assent_contracts.governance_objects import Founding
from assent_contracts.ledger import RecordedCommand, decode_governance_events, decode_record
from assent_contracts.refusals import Refusal
from assent_contracts.signing import NO_IDENTITY, command_message
from assent_contracts.testing.organisation import founding_changes

_FOUNDER: Final = SecretKey("founder-key", "founder", bytes(range(64, 96)))
_RECOVERY: Final = SecretKey("recovery", "recovery", bytes(range(96, 128)))
_WRITER: Final = SecretKey("writer-1", "decider", bytes(range(32, 64)))


class FakeGovernance:
    """A founded governance ledger, of which only the events and the identity are kept."""

    def __init__(self, policies: Sequence[Policy], *, at: int, partitions: int) -> None:
        """`at`: log time of the founding, ms. Raises ValueError if a policy is not valid."""
        self.history: list[tuple[GovernanceEvent, ...]] = []
        self.identity = NO_IDENTITY
        self._at = at
        self._desk = GovernanceDesk()
        self._chain = Chain(first_head("governance", NO_IDENTITY), epoch=1)
        founding = Founding(
            founder=_FOUNDER.public,
            recovery=_RECOVERY.public,
            writers={_WRITER.id: _WRITER.public},
            partitions=partitions,
        )
        self._take(FoundLog(**self._about(), founding=founding))
        for change in founding_changes(policies, at):
            self._take(ChangeGovernance(**self._about(), change=change))
        self._take(CloseFounding(**self._about()))

    def _about(self) -> dict[str, Any]:
        return {"id": f"founding-{len(self.history)}", "principal": "founder", "at": self._at}

    def _take(self, command: GovernanceCommand) -> None:
        value = encode(command)
        signature = to_base64url(_FOUNDER.sign(command_message(self.identity, value)))
        recorded = RecordedCommand(value=Raw(value), key=_FOUNDER.id, signature=signature)
        received = governance_received_again(recorded)
        assert not isinstance(received, Refusal), received
        seq, times = len(self.history), {"at": self._at, "received_at": self._at}
        decision = self._desk.handle(received, signature_good=True, seq=seq, **times)
        if isinstance(decision, Refusal):
            msg = f"{decision.code}: {decision.detail}"
            raise ValueError(msg)  # noqa: TRY004  a refusal is a value
        self._desk.apply_decision(received, decision, seq=seq, at=self._at, by_topic=False)
        link = self._chain.link(None, decision, at=self._at, command=recorded)
        record = decode_record(link.value)
        self._chain.follow(record.seq, sha256_hex(link.value), record.epoch)
        self.history.append(decode_governance_events(record))
        if seq == 0:
            self.identity = sha256_hex(link.value)
