"""Accept a loss with the recovery key while no decider leads: the log continues from where it ends.

See infra/decisions/0035-accepting-a-loss.md.
"""

import msgspec

from assent.decider.completeness import inputs_of
from assent.decider.governance_takeover import GovernanceLead, take_over_governance
from assent.decider.takeover import take_over
from assent.decider.term import Term
from assent.decider.writer_recovery import record_by_recovery
from assent.ledger.appender import LostLeadError
from assent_contracts.client.connection import Connection
from assent_contracts.client.follower import GovernanceFollower
from assent_contracts.client.keys import SecretKey
from assent_contracts.client.partition_probe import Probe
from assent_contracts.client.publisher import new_command_id, now_ms
from assent_contracts.core.governance.field_limits import refuse
from assent_contracts.governance_messages import AcceptLoss
from assent_contracts.governance_objects import LedgerEnd
from assent_contracts.heads import Finding, Place, next_input
from assent_contracts.refusals import Refusal, RefusalCode
from assent_contracts.writer_registry import RECOVERY


class AcceptedLoss(msgspec.Struct, frozen=True, kw_only=True):
    """The governance record that accepted a loss, and where the log continues."""

    seq: int
    era: str
    ends: tuple[LedgerEnd, ...]


class LedgerEnds(msgspec.Struct, frozen=True):
    """Where every ledger ends now, and the offsets from which commands would be decided."""

    lead: GovernanceLead
    ends: tuple[LedgerEnd, ...]
    inputs: tuple[Finding, ...]
    """What is missing from the commands."""


async def ends_now(connection: Connection, follower: GovernanceFollower) -> LedgerEnds:
    """Read every ledger to its end. Raises KafkaError, StoppedError, TimeoutError."""
    lead = await take_over_governance(connection, follower.identity)
    terms: dict[Place, Term] = {("governance", 0): lead.term}
    for partition in range(follower.partitions):
        terms["ledger", partition] = (await take_over(connection, partition, follower, None)).term
    ends: list[LedgerEnd] = []
    inputs: list[Finding] = []
    for place, term in terms.items():
        next_offset, finding = await _input_of(connection, place, term, follower)
        inputs += [] if finding is None else [finding]
        ends.append(ledger_end_of(place, term, next_offset))
    return LedgerEnds(lead, tuple(ends), tuple(inputs))


def ledger_end_of(place: Place, term: Term, input_from: int) -> LedgerEnd:
    """Where a ledger ends, from what was read of it. Commands count from the offset `input_from`."""
    return LedgerEnd(
        ledger=place[0],
        partition=place[1],
        seq=term.head.seq,
        sha256=term.head.value_sha256,
        next_offset=term.head_end,
        topic_end=term.head.next_offset,
        next_input=input_from,
    )


async def _input_of(
    connection: Connection, place: Place, term: Term, follower: GovernanceFollower
) -> tuple[int, Finding | None]:
    """Where commands continue: after the last decided one if it still exists, else at the first one left."""
    decided, last = term.last.seq, term.head.seq
    read = next_input(*place, follower.losses, read=term.next_input, decided=decided, last=last)
    async with Probe(connection) as probe:
        found, finding = await inputs_of(probe, place, term, read)
    return (read if finding is None else found.beginning), finding


async def accept_loss(
    connection: Connection, identity: str, key: SecretKey, ends: LedgerEnds, given_up: tuple[str, ...]
) -> AcceptedLoss | Refusal:
    """Let the log continue from these ends. Raises KafkaError, TimeoutError."""
    # It seals under this id, whatever id its file contains.
    key.id = RECOVERY
    command = AcceptLoss(
        id=new_command_id(), principal=RECOVERY, at=now_ms(), ends=ends.ends, given_up=given_up
    )
    try:
        decided = await record_by_recovery(connection, identity, key, ends.lead, command)
    except LostLeadError:
        return refuse(RefusalCode.OUTDATED, "Governance was written in the meantime: stop all deciders.")
    if isinstance(decided, Refusal):
        return decided
    return AcceptedLoss(seq=decided[0], era=command.id, ends=ends.ends)
