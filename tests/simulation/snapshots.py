"""Snapshots of the request partition: writers take them, and whoever takes over uses the newest."""

import random

from assent.decider.snapshot_start import chained_to
from assent_contracts.acceptance import Accepted, Head
from assent_contracts.core.writer.requests_desk import RequestsDesk
from assent_contracts.core.writer.requests_snapshot import FORMAT, snapshot_of
from assent_contracts.core.writer.writer import PartitionWriter
from assent_contracts.digests import sha256_hex
from assent_contracts.snapshots import SnapshotManifest, why_not_usable
from tests.simulation.broker import Topic


class Snapshots:
    """What is on `assent.snapshots`. No restore of the ledgers changes it: it may be of another history."""

    def __init__(self, seed: int) -> None:
        # Its own dice, so that a schedule is the same with and without snapshots.
        self._rng = random.Random(seed)
        self._newest: tuple[SnapshotManifest, bytes] | None = None
        self.used = 0

    def take(self, writer: PartitionWriter[RequestsDesk], head: Head, era: str) -> None:
        """Often take one, of a writer all of whose records are accepted up to `head`."""
        if head.seq < 0 or self._rng.random() < 0.5:
            return
        content = snapshot_of(writer)
        manifest = SnapshotManifest(
            id="0" * 32,
            format=FORMAT,
            partition=0,
            seq=head.seq,
            sha256=head.value_sha256,
            governance=head.governance,
            next_offset=head.next_offset,
            era=era,
            first_offset=0,
            size=len(content),
            content=sha256_hex(content),
        )
        self._newest = (manifest, content)

    def start(
        self, ledger: Topic, *, era: str, governance: int, known: int
    ) -> tuple[Head, bytes, list[Accepted]] | None:
        """The newest one, if it can be used: its head, its bytes, and the last records before it."""
        if self._newest is None:
            return None
        manifest, content = self._newest
        why = why_not_usable(
            manifest, partition=0, format_read=FORMAT, era=era, governance=governance, known=known
        )
        if why is not None:
            return None
        stands = [(offset, entry.value) for offset, entry in enumerate(ledger.entries)]
        before = chained_to(manifest.head, stands[max(0, manifest.next_offset - 5) : manifest.next_offset])
        if not before:
            return None
        self.used += 1
        return manifest.head, content, before
