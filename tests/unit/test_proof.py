"""Proof of one record's place: the run from it to a seal, by a writer that governance lists at that seq."""

import pytest

from assent_contracts import limits
from assent_contracts.acceptance import Accepted, Head
from assent_contracts.digests import sha256_hex
from assent_contracts.governance_messages import WriterRetired
from assent_contracts.proof import NotProven, RecordPlace, SealedRun, verify_run
from assent_contracts.writer_registry import WriterRegistry
from tests.support import simulated_log as sim

RETIRED_AT = sim.GOVERNANCE_HEAD + 1


def registry() -> WriterRegistry:
    """The writers of the simulated log, of which `writer-0` is finally retired."""
    writers = sim.registry()
    writers.apply(RETIRED_AT, (WriterRetired(writer="writer-0"),))
    return writers


def run(
    size: int = 1,
    *,
    seq: int = 0,
    governance: int = 0,
    writer: str = "writer-0",
    prev: str = sim.START.value_sha256,
) -> SealedRun:
    """Records from `seq` on, all of which name this governance seq, the last one sealed."""
    head, values = Head(seq - 1, prev), []
    for _ in range(size):
        values.append(sim.record(head, epoch=1, input_offset=head.seq + 1, governance=governance))
        head = Head(head.seq + 1, sha256_hex(values[-1]), governance)
    headers = {name: (content or b"").decode() for name, content in sim.sealed(writer, head.seq, values[-1])}
    return SealedRun(values=tuple(values), writer=headers["assent-writer"], seal=headers["assent-seal"])


def verified(offered: SealedRun, seq: int = 0, partition: int = sim.PARTITION) -> Accepted | NotProven:
    return verify_run(
        offered, RecordPlace("ledger", partition, seq, sim.IDENTITY), writers=registry(), verify=sim.verify
    )


@pytest.mark.parametrize(("seq", "size"), [(0, 1), (0, 3), (7, 1), (7, 3)])
def test_R23_sealed_run_proves_its_first_record_in_the_middle_of_a_log_too(seq: int, size: int) -> None:
    offered = run(size, seq=seq) if seq == 0 else run(size, seq=seq, prev="ab" * 32)
    found = verified(offered, seq)
    assert isinstance(found, Accepted)
    assert (found.record.seq, found.value) == (seq, offered.values[0])


@pytest.mark.parametrize("size", [1, 3])
def test_R23_writer_proves_nothing_outside_its_term(size: int) -> None:
    """`writer-0` until it is retired, `writer-2` from when it is listed: at the seq that the record names."""
    assert isinstance(verified(run(size, governance=RETIRED_AT - 1)), Accepted)
    assert isinstance(verified(run(size, governance=RETIRED_AT)), NotProven)
    assert isinstance(verified(run(size, governance=4, writer="writer-2")), NotProven)
    assert isinstance(verified(run(size, governance=5, writer="writer-2")), Accepted)
    # Governance that is not known yet lists nobody.
    assert isinstance(verified(run(size, governance=RETIRED_AT + 1, writer="writer-1")), NotProven)


def test_R23_first_record_of_a_partition_chains_to_the_identity() -> None:
    assert isinstance(verified(run(prev="ab" * 32)), NotProven)


def test_R23_run_is_for_the_requested_place() -> None:
    offered = run(2, seq=7, prev="ab" * 32)
    assert isinstance(verified(offered, 8), NotProven)
    assert isinstance(verified(offered, 7, partition=sim.PARTITION + 1), NotProven)


def test_R23_run_that_no_reader_would_wait_for_proves_nothing() -> None:
    assert isinstance(verified(run(limits.RUN_MAX_RECORDS + 2)), NotProven)
    assert isinstance(verified(SealedRun(values=(), writer="writer-0", seal="")), NotProven)
    large = b'{"seq":0,"padding":"' + b"x" * limits.RECORD_MAX_BYTES + b'"}'
    assert isinstance(verified(SealedRun(values=(large,), writer="writer-0", seal="")), NotProven)
