"""The content of an exported file if the ledgers grow while it is written."""

import io
from collections.abc import Iterator

import pytest
from aiokafka import ConsumerRecord

from assent.verify.export_file import RequestsPart
from assent_contracts.acceptance import Accepted
from assent_contracts.client.connection import Connection
from assent_contracts.client.follower import GovernanceFollower
from assent_contracts.client.keys import seal_headers
from assent_contracts.topics import LEDGER
from tests.support.chains import PARTITION, WRITER, Chains


def fetched(identity: str, records: list[Accepted], sealed: set[int]) -> Iterator[ConsumerRecord]:
    """The records as they come from the broker; those at `sealed` end a run."""
    for each in records:
        sha256 = bytes.fromhex(each.value_sha256)
        headers = seal_headers(WRITER, identity, "ledger", PARTITION, each.offset, sha256)
        headers = headers if each.offset in sealed else []
        yield ConsumerRecord(
            LEDGER, PARTITION, each.offset, 0, 0, None, each.value, None, -1, len(each.value), headers
        )


@pytest.mark.parametrize(("sealed", "written"), [({0, 1, 2, 3}, 3), ({0, 1, 3}, 2)], ids=["apart", "one run"])
def test_partition_ends_before_records_decided_under_governance_that_the_file_lacks(
    sealed: set[int], written: int
) -> None:
    chains = Chains()
    release = chains.released()
    last_governance = chains.governance.next_seq - 1
    chains.carry(release)
    chains.end_carried()
    follower = GovernanceFollower(Connection(bootstrap="nowhere"), chains.identity)
    for seq, events in enumerate(chains.history):
        follower.writers.apply(seq, events)
    file = io.BytesIO()
    part = RequestsPart(PARTITION, follower, file, last_governance=last_governance)
    for record in fetched(chains.identity, chains.requests.records, sealed):
        part.take(record)
    assert part.ended
    assert part.records == len(file.getvalue().splitlines()) == written
