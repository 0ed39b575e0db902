"""Verify the ledgers on Kafka, from their first record to where they end now."""

from collections.abc import Awaitable, Callable, Sequence

from aiokafka import TopicPartition

from assent.verify.again import VerifySignature
from assent.verify.claims import Claims
from assent.verify.finding import Tally
from assent.verify.governance import GovernanceVerifier
from assent.verify.requests import RequestsVerifier
from assent_contracts.acceptance import Acceptance, Accepted
from assent_contracts.client.connection import Connection, reading
from assent_contracts.client.fetch import fetch, positions
from assent_contracts.client.follower import GovernanceFollower, NotFoundedError
from assent_contracts.client.keys import verify
from assent_contracts.client.reader import LedgerReader
from assent_contracts.ledger import decode_governance_events
from assent_contracts.topics import GOVERNANCE, LedgerName
from assent_contracts.writers import WriterRegistry

Progress = Callable[[int, int], None]
"""(offsets read, offsets in all)"""
Compare = Callable[[LedgerName, int, Sequence[Accepted]], Awaitable[int]]
"""Compares a ledger partition's next records with a copy of them; returns how many the copy has yet."""


async def verify_governance(
    connection: Connection, identity: str, check: VerifySignature, compare: Compare | None = None
) -> GovernanceVerifier:
    """Verify the governance ledger. Raises FindingError, NotFoundedError, KafkaError."""
    place, writers = TopicPartition(GOVERNANCE, 0), WriterRegistry()
    verifier = GovernanceVerifier(identity, check)
    acceptance = Acceptance("governance", 0, identity=identity, writers=writers, verify=verify)
    consumer = await reading(connection, {place: 0})
    try:
        end = (await consumer.end_offsets([place]))[place]
        read_to = 0
        while read_to < end:
            for record in (await fetch(consumer, timeout_ms=500)).get(place, ()):
                run = acceptance.offer(record.offset, record.value, record.headers)
                verifier.take(run)
                for accepted in run:
                    writers.apply(accepted.record.seq, decode_governance_events(accepted.record))
                await _compare(compare, "governance", 0, run, verifier.tally)
            read_to = (await positions(consumer))[place]
    finally:
        await consumer.stop()
    if not verifier.history:
        msg = "The governance ledger does not begin with the record that the identity names."
        raise NotFoundedError(msg)
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
    claims: Claims | None = None,
) -> dict[int, Tally]:
    """Verify every partition of the request ledger. Raises FindingError, KafkaError.

    `claims`: of the governance ledger, which was verified before; they are confirmed here. Governance refers
    to what the request ledger had then, so whatever they are about is read here if it exists.
    """
    claims = Claims() if claims is None else claims
    verifiers = {
        n: RequestsVerifier(n, follower.identity, follower.history, check, claims) for n in range(partitions)
    }
    reader = LedgerReader(connection, follower, dict.fromkeys(verifiers))
    await reader.start()
    try:
        ends = await reader.end_offsets()
        while not reader.has_read(ends):
            for partition, accepted in (await reader.poll()).items():
                verifiers[partition].take(accepted)
                await _compare(compare, "ledger", partition, accepted, verifiers[partition].tally)
            progress(reader.offsets_read(), sum(ends.values()))
    finally:
        await reader.stop()
    claims.confirm()
    for partition, verifier in verifiers.items():
        _note_quarantined(verifier.tally, reader.acceptances[partition])
    return {partition: verifier.tally for partition, verifier in verifiers.items()}


async def _compare(
    compare: Compare | None, ledger: LedgerName, partition: int, accepted: Sequence[Accepted], tally: Tally
) -> None:
    if compare is not None:
        tally.audited = (tally.audited or 0) + await compare(ledger, partition, accepted)


def _note_quarantined(tally: Tally, acceptance: Acceptance) -> None:
    tally.quarantined = acceptance.quarantined
    tally.first_quarantined = acceptance.first_quarantined
