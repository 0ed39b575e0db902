"""Faults in the codec, the acceptance rule and the writer."""

from typing import Final

from tests.faults.fault import (
    CONTRACTS,
    CORE,
    OF_ACCEPTANCE,
    OF_SENDERS,
    OF_THE_WRITER,
    WRITER,
    Fault,
)


def _codec(breaks: str, old: str, new: str) -> Fault:
    tests = ("tests/unit/test_receive.py", "tests/unit/test_known_bypasses.py", "tests/contract")
    return Fault(breaks, f"{CONTRACTS}/codec.py", old, new, tests)


def _acceptance(breaks: str, old: str, new: str, file: str = "acceptance") -> Fault:
    return Fault(breaks, f"{CONTRACTS}/{file}.py", old, new, OF_ACCEPTANCE)


def _writer(breaks: str, file: str, old: str, new: str) -> Fault:
    return Fault(breaks, f"{WRITER}/{file}.py", old, new, OF_THE_WRITER)


FAULTS: Final = (
    _codec(
        "a key may occur twice in one object",
        "    if _is_compact(value):\n        return None\n",
        "    if value:\n        return None\n",
    ),
    _codec(
        "text before or after the object is dropped",
        "    if value[0] != 0x7B or value[-1] != 0x7D:\n",
        "    if value[0] != 0x7B and value[-1] != 0x7D:\n",
    ),
    _codec(
        "a command of any size is read",
        "    if len(value) > limits.COMMAND_MAX_BYTES:\n",
        "    if len(value) > 99 * limits.COMMAND_MAX_BYTES:\n",
    ),
    _codec(
        "a payload may be nested without limit",
        "        if depth > limits.PAYLOAD_MAX_DEPTH:\n",
        "        if depth > 99 * limits.PAYLOAD_MAX_DEPTH:\n",
    ),
    _codec(
        "a justification may be empty",
        "    if bad is None and draws_nothing(command.justification):\n",
        "    if bad is None and not command.operation:\n",
    ),
    Fault(
        "a command's Kafka key may be another object's",
        f"{CORE}/requests/receive.py",
        "    if envelope.kafka_key != command.resource.encode():\n",
        "    if envelope.kafka_key is None:\n",
        OF_SENDERS,
    ),
    _acceptance(
        "a run that does not chain to the head is accepted",
        "            record.prev == head.value_sha256\n            and record.seq == head.seq + 1\n",
        "            record.seq == head.seq + 1\n",
    ),
    _acceptance(
        "a run may skip seqs",
        "            and record.seq == before.seq + 1\n",
        "            and record.seq > before.seq\n",
    ),
    _acceptance(
        "a run continues over a gap",
        "            candidate.offset == last.offset + 1\n            and record.prev",
        "            candidate.offset > last.offset\n            and record.prev",
    ),
    _acceptance(
        "an unsealed run is accepted",
        "        if headers and self._is_sealed(candidate, headers):\n",
        "        if not headers or self._is_sealed(candidate, headers):\n",
    ),
    _acceptance(
        "anybody's seal counts",
        "        return self._verify(public_key, message, signed)\n",
        "        return len(public_key) == len(message) or bool(signed)\n",
    ),
    _acceptance(
        "a seal of another seq counts",
        "        seq = candidate.record.seq\n",
        "        seq = 0\n",
    ),
    _acceptance(
        "the governance seq may decrease from one record to the next",
        "            and _governance_seq(record) >= head.governance\n",
        "            and _governance_seq(record) >= -1\n",
    ),
    _acceptance(
        "a dropped run is remembered",
        "        self.quarantined += dropped\n        self._run, self._run_bytes = [], 0\n",
        "        self.quarantined += dropped\n",
    ),
    _acceptance(
        "a retired writer's seal counts",
        "        return listed.public_key if listed.until is None or",
        "        return listed.public_key if key_id or",
        "writer_registry",
    ),
    _acceptance(
        "a writer's seal counts for records from before it was listed",
        "        if listed is None or not listed.since <= governance_seq <= self.head:\n",
        "        if listed is None or not 0 <= governance_seq <= self.head:\n",
        "writer_registry",
    ),
    _acceptance(
        "a retired writer seals governance after its own retirement",
        "    if any(_retires(record, key_id) for record in run[:-1]) or",
        "    if any(_retires(record, key_id) for record in run[:0]) or",
        "writer_registry",
    ),
    _acceptance(
        "a writer's seal accepts a loss",
        " or any(map(_accepts_a_loss, run)):\n",
        ":\n",
        "writer_registry",
    ),
    _acceptance(
        "the recovery key seals any record",
        " if len(run) == 1 and _only_recovers(run[0]) else None\n",
        "\n",
        "writer_registry",
    ),
    _writer(
        "log time goes back for a command",
        "writer",
        "        at = max(incoming.received_at, self.desk.at)\n",
        "        at = incoming.received_at\n",
    ),
    _writer(
        "log time goes back for a due record",
        "writer",
        "        at = max(now, self.desk.at)\n        due",
        "        at = now\n        due",
    ),
    _writer(
        "a check result for another key is believed",
        "writer",
        "        if key == incoming.tried:\n",
        "        if incoming.tried is not None:\n",
    ),
    _writer(
        "a key registered since the check is not tried",
        "writer",
        "        return key is not None and self._is_signed(envelope, key)\n",
        "        return False\n",
    ),
    _writer(
        "a retired writer records due events",
        "writer",
        "        while not self.is_retired:\n",
        "        while self.seq > -2:\n",
    ),
    _writer(
        "a successor begins with the last command again",
        "writer",
        "            self.next_input = record.input + 1\n",
        "            self.next_input = record.input\n",
    ),
    _writer(
        "a successor does not remember the commands",
        "requests_desk",
        "        replay(self.state, record)\n",
        "        from assent_contracts.ledger import decode_events\n"
        "        self.state.record(record.seq, record.at, decode_events(record))\n",
    ),
    _writer(
        "a decision is linked but not applied",
        "writer",
        "        self.desk.apply_decision(it, decision, seq=seq, at=at)\n",
        "        if not isinstance(decision, Refusal):\n"
        "            self.desk.apply_decision(it, decision, seq=seq, at=at)\n",
    ),
    _writer(
        "bytes of unknown signers are kept",
        "writer",
        "        if isinstance(decision, Refusal) and decision.code in OMITTED:\n",
        "        if isinstance(decision, Refusal) and not decision.code:\n",
    ),
    _writer(
        "a record names a later governance seq",
        "requests_desk",
        "        return self.governance.seq\n",
        "        return self.governance.seq + 1\n",
    ),
    _writer(
        "a change of writers is not recorded",
        "requests_desk",
        "        if changed is not None:\n            yield",
        "        if changed is not None and changed.since < 0:\n            yield",
    ),
    _writer(
        "a request that governance has carried out is never ended",
        "requests_desk",
        "        if self._outcomes_seen != self.governance.seq:\n",
        "        if self._outcomes_seen > self.governance.seq:\n",
    ),
    _writer(
        "a release is carried out twice",
        "governance_desk",
        "            if release.request not in self.governance.release_outcomes:\n",
        "            if release.request:\n",
    ),
    _writer(
        "during the founding any key counts",
        "governance_desk",
        "        if signature_good:\n            return None\n",
        "        if envelope.signature:\n            return None\n",
    ),
    _writer(
        "a batch between two is not noticed",
        "unconfirmed_batches",
        "        return None if offset == start else",
        "        return None if offset >= start else",
    ),
    _writer(
        "another writer's run is taken for one's own",
        "unconfirmed_batches",
        "        return read.value_sha256 == self._sent[0][1].value_sha256\n",
        "        return read.seq >= self._sent[0][1].seq\n",
    ),
    _writer(
        "only the last batch's place is noted",
        "unconfirmed_batches",
        "next_offset=offset + records)",
        "next_offset=offset)",
    ),
    _writer(
        "a record that another writer appended first is noted at its second place",
        "unconfirmed_batches",
        "        self.confirmed = read or msgspec",
        "        self.confirmed = msgspec",
    ),
)
