"""Verify the ledgers on Kafka, from their first record to where they end now."""

from collections.abc import Awaitable, Callable, Sequence

from aiokafka import ConsumerRecord, TopicPartition

from assent.verify.export_file import Progress
from assent.verify.finding import FindingError, Tally
from assent.verify.governance_verifier import GovernanceVerifier
from assent.verify.heads_elsewhere import HeadsElsewhere, ledger_places
from assent.verify.partition_reading import ends, read_chain
from assent.verify.release_confirmation import ReleaseReferences
from assent.verify.requests_verifier import RequestsVerifier
from assent.verify.transaction_markers import must_be_markers
from assent_contracts.acceptance import Acceptance, Accepted
from assent_contracts.client.connection import Connection
from assent_contracts.client.follower import GovernanceFollower, NotFoundedError
from assent_contracts.client.keys import verify_signature
from assent_contracts.client.ledger_reader import acceptance_of
from assent_contracts.evidence.command_signatures import VerifySignature
from assent_contracts.topics import LEDGER, LedgerName

"""(offsets read, offsets in all)"""
Compare = Callable[[LedgerName, int, Sequence[Accepted]], Awaitable[int]]
"""Compares a ledger partition's next records with a copy; returns how many of them the copy has yet."""


async def verify_governance(
    connection: Connection,
    identity: str,
    check: VerifySignature,
    compare: Compare | None = None,
    known: HeadsElsewhere | None = None,
) -> GovernanceVerifier:
    """Verify the governance ledger. Raises FindingError, NotFoundedError, KafkaError.

    `known`: what other sources know of where it ended.
    """
    known = HeadsElsewhere() if known is None else known
    verifier = GovernanceVerifier(identity, check)
    acceptance = Acceptance(
        "governance", 0, identity=identity, writers=verifier.writers, verify=verify_signature
    )

    async def after(accepted: Sequence[Accepted], _read_to: int) -> None:
        known.take("governance", 0, accepted)
        await _compare(compare, "governance", 0, accepted, verifier.tally)

    stretch = await read_chain(connection, acceptance, verifier.take, after)
    if not verifier.history and stretch.end > 0:
        raise FindingError("governance", 0, 0, "it is not the record that the identity names")
    if not verifier.history and ("governance", 0) not in known.sources():
        raise NotFoundedError("The governance ledger is empty.")
    offsets = stretch.beginning, stretch.end
    known.hold("governance", 0, last_seq=acceptance.head.seq, offsets=offsets)
    await must_be_markers(connection, "governance", 0, verifier.inputs.gaps)
    _note_quarantined(verifier.tally, acceptance)
    return verifier


async def verify_requests(
    connection: Connection,
    follower: GovernanceFollower,
    partitions: int,
    check: VerifySignature,
    progress: Progress,
    *,
    compare: Compare | None = None,
    claims: ReleaseReferences | None = None,
    known: HeadsElsewhere | None = None,
) -> dict[int, Tally]:
    """Verify every partition of the request ledger. Raises FindingError, KafkaError.

    `claims`: those of the governance ledger, which was verified before. They are confirmed here. Governance
    refers to what the request ledger had at the time, so anything that they concern is read here if it
    exists.
    """
    claims = ReleaseReferences() if claims is None else claims
    known = HeadsElsewhere() if known is None else known
    known.must_be_in(ledger_places(partitions))
    total = sum((await ends(connection, [TopicPartition(LEDGER, n) for n in range(partitions)])).values())
    tallies: dict[int, Tally] = {}
    done = 0
    for partition in range(partitions):
        verifier = RequestsVerifier(partition, follower.identity, follower.history, check, claims)
        done += await _verify_partition(
            connection,
            follower,
            verifier,
            known,
            compare,
            lambda read, done=done: progress(min(done + read, total), total),
        )
        tallies[partition] = verifier.tally
    claims.confirm()
    return tallies


async def _verify_partition(
    connection: Connection,
    follower: GovernanceFollower,
    verifier: RequestsVerifier,
    known: HeadsElsewhere,
    compare: Compare | None,
    tell: Callable[[int], None],
) -> int:
    """Verify one partition of the request ledger; returns the offset at which it ended."""
    partition = verifier.partition
    acceptance = acceptance_of(partition, follower)

    async def learn(records: Sequence[ConsumerRecord]) -> None:
        follower.check()
        await follower.know(record.value for record in records if record.headers)

    async def after(accepted: Sequence[Accepted], read_to: int) -> None:
        known.take("ledger", partition, accepted)
        await _compare(compare, "ledger", partition, accepted, verifier.tally)
        tell(read_to)

    stretch = await read_chain(connection, acceptance, verifier.take, after, learn)
    offsets = stretch.beginning, stretch.end
    known.hold("ledger", partition, last_seq=acceptance.head.seq, offsets=offsets)
    await must_be_markers(connection, "ledger", partition, verifier.inputs.gaps)
    _note_quarantined(verifier.tally, acceptance)
    return stretch.end


async def _compare(
    compare: Compare | None, ledger: LedgerName, partition: int, accepted: Sequence[Accepted], tally: Tally
) -> None:
    if compare is not None:
        tally.audited = (tally.audited or 0) + await compare(ledger, partition, accepted)


def _note_quarantined(tally: Tally, acceptance: Acceptance) -> None:
    tally.quarantined = acceptance.quarantined
    tally.first_quarantined = acceptance.first_quarantined
