"""Takeover: a new writer reads a partition of open requests until it could decide.

From the start of the ledger, or from a snapshot; and how long taking one holds up a writer.
"""

import sys
import time
from pathlib import Path

import msgspec

from assent.decider.snapshot_taking import SnapshotPace, SnapshotTaking
from assent.decider.snapshot_topic import look_at_snapshots
from assent.decider.takeover import RequestsLead, take_over
from assent.observe.health import Health
from assent.process import run_service
from assent.process_settings import ServiceSettings, need
from assent_contracts.client.follower import GovernanceFollower
from assent_contracts.client.keys import load_key
from assent_contracts.eras import era_of
from assent_contracts.heads import HeadInEra, KnownHead, known_of
from tests.bench.child import answer, job
from tests.bench.workload import PARTITION


async def _measure(settings: ServiceSettings, health: Health, stop: object) -> None:
    work = job()
    follower = GovernanceFollower(settings.kafka, settings.identity)
    await follower.start()
    try:
        known = await _snapshot(settings, follower) if work.view == "from a snapshot" else None
        started = time.perf_counter()
        lead = await take_over(settings.kafka, PARTITION, follower, None, known)
        seconds = time.perf_counter() - started
        assert lead.writer.desk.state.open_requests() == work.commands
        assert (lead.read_records == 0) == (known is not None)
        answer(await _pause(settings, follower, lead) if work.view == "take a snapshot" else seconds)
    finally:
        await follower.stop()


async def _snapshot(settings: ServiceSettings, follower: GovernanceFollower) -> KnownHead:
    """The head of the newest snapshot, as if `assent.heads` had it."""
    place = await look_at_snapshots(settings.kafka, PARTITION)
    assert place is not None
    manifest = await place.newest(follower.identity, follower.writers.public_keys())
    assert manifest is not None
    return known_of("ledger", PARTITION, manifest.head)


async def _pause(settings: ServiceSettings, follower: GovernanceFollower, lead: RequestsLead) -> float:
    """How long taking a snapshot holds up the writer, s."""
    head = msgspec.structs.replace(lead.term.head, next_offset=lead.term.head_end)
    taking = SnapshotTaking(
        settings.kafka,
        load_key(need(settings.key_file, "ASSENT_KEY_FILE")),
        follower.identity,
        lead.writer,
        begun_at=HeadInEra(head, era_of(follower.losses)),
        read_records=lead.read_records,
        read_bytes=lead.read_bytes,
        make_known=_nothing,
        pace=SnapshotPace(),
    )
    started = time.perf_counter()
    taking.take(lead.term.head)
    paused = time.perf_counter() - started
    await taking.written()
    return paused


async def _nothing() -> None:
    return


if __name__ == "__main__":
    run_service(Path(sys.argv[0]).stem, _measure)
