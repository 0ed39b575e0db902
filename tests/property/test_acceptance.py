"""Several writers, late and duplicate batches, crashes and forgeries on one log: all readers agree."""

from itertools import pairwise

import hypothesis.strategies as st
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from assent_contracts.acceptance import Accepted, Head
from assent_contracts.digests import sha256_hex
from tests.support.simulated_log import (
    GOVERNANCE_HEAD,
    IDENTITY,
    START,
    WRITERS,
    Entry,
    Log,
    Writer,
    reader,
    record,
    sealed,
)

writers = st.sampled_from(sorted(WRITERS))
FORGERIES = (
    "no seal",
    "wrong seal",
    "outsider's seal",
    "seal of another record",
    "writer not yet listed",
    "governance behind",
    "junk",
    "nothing",
)


class OneLog(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.log = Log()
        self.writers = {key_id: Writer(key_id, self.log) for key_id in WRITERS}
        self.adrift: list[list[Entry]] = []
        """Batches that no writer waits for any more, and that may still be appended."""
        self.honest: set[bytes] = set()
        self.follower = reader()
        self.read_to = 0
        self.followed: list[Accepted] = []
        self.checkpoints: list[tuple[Head, int]] = [(START, 0)]

    @rule(key_id=writers, size=st.integers(1, 3), governance=st.integers(0, GOVERNANCE_HEAD))
    def writer_sends(self, key_id: str, size: int, governance: int) -> None:
        writer = self.writers[key_id]
        if len(writer.in_flight) < 3:
            writer.send(size, governance)
            self.honest |= {value for value, _ in writer.in_flight[-1] if value is not None}

    @rule(key_id=writers)
    def batch_lands_and_is_acknowledged(self, key_id: str) -> None:
        writer = self.writers[key_id]
        if writer.in_flight:
            left = list(writer.in_flight)[1:]
            writer.acknowledged(self.log.append(writer.in_flight[0]))
            if not writer.in_flight:
                self.adrift += left

    @rule(key_id=writers)
    def batch_lands_and_the_acknowledgement_is_lost(self, key_id: str) -> None:
        writer = self.writers[key_id]
        if writer.in_flight:
            self.log.append(writer.in_flight[0])
            self.adrift += writer.stop()

    @rule(key_id=writers)
    def writer_crashes(self, key_id: str) -> None:
        self.adrift += self.writers[key_id].stop()

    @precondition(lambda self: self.adrift)
    @rule(data=st.data(), again=st.booleans())
    def batch_lands_late(self, data: st.DataObject, *, again: bool) -> None:
        batch = data.draw(st.sampled_from(self.adrift))
        self.log.append(batch)
        if not again:
            self.adrift.remove(batch)

    @precondition(lambda self: self.log.entries)
    @rule(data=st.data())
    def old_records_come_again(self, data: st.DataObject) -> None:
        start = data.draw(st.integers(0, len(self.log.entries) - 1))
        self.log.append(self.log.entries[start : start + data.draw(st.integers(1, 3))])

    @rule(kind=st.sampled_from(FORGERIES), ahead=st.integers(0, 2))
    def somebody_forges(self, kind: str, ahead: int) -> None:
        """Records that fit the head, with `ahead` unsealed ones before the last; only the seal is invalid."""
        head, batch = self._head(), list[Entry]()
        governance = max(head.governance, 0)
        value, before = b"", head
        for number in range(ahead + 1):
            value = record(head, epoch=99, input_offset=1_000 + number, governance=governance)
            before, head = head, Head(head.seq + 1, sha256_hex(value), governance)
            batch.append((value, ()))
        match kind:
            case "wrong seal":
                batch[-1] = (value, sealed("writer-0", head.seq, value, signer="somebody"))
            case "outsider's seal":
                batch[-1] = (value, sealed("somebody", head.seq, value))
            case "seal of another record":
                batch[-1] = (value, sealed("writer-0", head.seq, value + b" "))
            case "writer not yet listed":
                early = record(before, epoch=99, input_offset=1_000, governance=WRITERS["writer-2"] - 1)
                batch[:] = [(early, sealed("writer-2", before.seq + 1, early))]
            case "governance behind":
                behind = record(before, epoch=99, input_offset=1_000, governance=governance - 1)
                batch[-1] = (behind, sealed("writer-0", before.seq + 1, behind))
            case "junk":
                batch[:] = [(b'{"seq":', sealed("writer-0", head.seq, b""))]
            case "nothing":
                batch[:] = [(None, ())]
            case _:
                pass
        self.log.append(batch)

    def _head(self) -> Head:
        fresh = reader()
        self.log.read(fresh, 0)
        return fresh.head

    @rule()
    def follower_reads_on_and_keeps_a_checkpoint(self) -> None:
        self._follow()
        self.checkpoints.append((self.follower.head, len(self.followed)))

    def _follow(self) -> None:
        self.followed += self.log.read(self.follower, self.read_to)
        self.read_to = len(self.log.entries)

    @invariant()
    def only_what_writers_decided_is_accepted_each_command_once_and_in_order(self) -> None:
        accepted = self.log.read(reader(), 0)
        assert {each.value for each in accepted} <= self.honest
        assert [each.record.input for each in accepted] == list(range(len(accepted)))
        assert [each.record.seq for each in accepted] == list(range(len(accepted)))
        hashes = [IDENTITY, *(each.value_sha256 for each in accepted)]
        assert [each.record.prev for each in accepted] == hashes[:-1]
        seqs = [each.record.governance for each in accepted if isinstance(each.record.governance, int)]
        assert len(seqs) == len(accepted)
        assert all(before <= after for before, after in pairwise(seqs))

    def teardown(self) -> None:
        self._follow()
        everything = self.log.read(reader(), 0)
        assert self.followed == everything
        for head, count in self.checkpoints:
            assert self.log.read(reader(head), head.next_offset) == everything[count:]
        self._a_writer_can_always_go_on(len(everything))

    def _a_writer_can_always_go_on(self, before: int) -> None:
        writer = Writer("writer-0", self.log)
        writer.send(2, GOVERNANCE_HEAD)
        writer.acknowledged(self.log.append(writer.in_flight[0]))
        assert len(self.log.read(reader(), 0)) == before + 2


TestOneLog = OneLog.TestCase
TestOneLog.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)
