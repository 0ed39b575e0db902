"""Take over governance: read its ledger to the end. Its own records state whose seals count."""

import msgspec
import structlog
from aiokafka import TopicPartition

from assent.decider.stopped_error import StoppedError
from assent.decider.term import Term, TermReading
from assent_contracts.acceptance import Acceptance, Accepted, Head, first_head
from assent_contracts.client.connection import Connection
from assent_contracts.client.keys import verify_signature
from assent_contracts.client.partition_contents import partition_contents
from assent_contracts.core.writer.governance_desk import GovernanceDesk
from assent_contracts.core.writer.governance_releases import GovernanceReleases
from assent_contracts.core.writer.writer import PartitionWriter, Sealer
from assent_contracts.evidence.command_signatures import CommandSignatures
from assent_contracts.heads import KnownHead
from assent_contracts.topics import GOVERNANCE

_PLACE = TopicPartition(GOVERNANCE, 0)


class GovernanceLead(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that a session on governance starts from."""

    identity: str
    writer: PartitionWriter[GovernanceDesk]
    term: Term
    releases: GovernanceReleases
    """What the writer has to carry out; the caller fills it."""

    def acceptance_from(self, head: Head) -> Acceptance:
        """The acceptance rule from a head that this lead has passed."""
        return _acceptance(self.identity, self.writer.desk, head)


async def take_over_governance(
    connection: Connection, identity: str, sealer: Sealer | None = None, known: KnownHead | None = None
) -> GovernanceLead:
    """Read `assent.governance` to where it ends now. Raises KafkaError, StoppedError.

    `identity`: the SHA-256 (hex) of its record 0. `sealer`: the key that the writer seals with, if it is to
    append in its own name. `known`: a head known from elsewhere, to compare with what is read.
    """
    start, releases = first_head("governance", identity), GovernanceReleases()
    desk = GovernanceDesk(releases)
    writer = PartitionWriter(
        desk, start, sealer=sealer, is_signed=CommandSignatures(identity, verify_signature).has_signed
    )
    acceptance, noted = _acceptance(identity, desk, start), TermReading(known)
    async with partition_contents(connection, _PLACE) as contents:
        async for records in contents:
            for record in records:
                for accepted in acceptance.offer(record.offset, record.value, record.headers):
                    _replay(writer, accepted)
                    noted.note(accepted)
    writer.begin()
    structlog.get_logger().info(
        "took over",
        partition="governance",
        seq=writer.seq,
        epoch=writer.epoch,
        next_input=writer.next_input,
        quarantined=acceptance.quarantined,
    )
    term = noted.term(acceptance, contents.end)
    return GovernanceLead(identity=identity, writer=writer, term=term, releases=releases)


def _replay(writer: PartitionWriter[GovernanceDesk], accepted: Accepted) -> None:
    try:
        writer.replay(accepted)
    except Exception as error:
        raise StoppedError(GOVERNANCE, accepted.offset) from error


def _acceptance(identity: str, desk: GovernanceDesk, head: Head) -> Acceptance:
    return Acceptance(
        "governance", 0, identity=identity, writers=desk.writers, verify=verify_signature, head=head
    )
