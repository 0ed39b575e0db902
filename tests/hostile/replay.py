"""Sends every hostile record to the real stack, each followed by a good one."""

import asyncio
import itertools
import json
from collections.abc import Sequence

import msgspec

from assent_contracts.acceptance import Acceptance, Accepted
from assent_contracts.client.follower import GovernanceFollower
from assent_contracts.client.open_requests import OpenRequests, submitted_payload
from assent_contracts.client.publisher import new_command_id, now_ms
from assent_contracts.codec import encode
from assent_contracts.events import ChangeSubmitted
from assent_contracts.evidence.governance_evidence import GovernanceEvidence
from assent_contracts.governance_changes import RegisterPrincipal
from assent_contracts.governance_objects import Account
from assent_contracts.partitioner import partition_for
from assent_contracts.released_change import Change
from assent_contracts.topics import CHANGES, COMMANDS, GOVERNANCE, GOVERNANCE_COMMANDS
from tests.hostile.of_commands import RESOURCE
from tests.hostile.recipe import Hostile, made, read_file
from tests.hostile.signing import command_headers, ledger_headers
from tests.support.governor import PROPOSER, Governor
from tests.support.handover import Folders, applying
from tests.support.invalid_commands import fields, sign
from tests.support.log import PARTITIONS, UPSTREAM, Actor, Log, read_ledger
from tests.support.raw_records import RawRecord, build_batch, produce_raw, raw_headers

RECORDS = read_file()
HERE = partition_for(RESOURCE.encode(), PARTITIONS)
_BATCH_BYTES = 600_000
_UNREADABLE = frozenset({"malformed", "too-large", "unknown-version"})


class Outcome(msgspec.Struct, frozen=True):
    """What happened to a hostile record and to the good one after it."""

    of_it: str
    of_the_next: str


Outcomes = dict[str, Outcome]
Sent = dict[str, tuple[int, int]]
"""Partition and offset; the good record has the next offset."""


def of_topic(topic: str) -> list[Hostile]:
    return [each for each in RECORDS if each.topic == topic]


def named(each: Hostile) -> str:
    return each.name


def headers_of(each: Hostile, known: dict[str, str | int]) -> list[tuple[bytes, bytes | None]]:
    headers: list[tuple[bytes, bytes | None]] = []
    for name, content, *times in each.headers:
        headers += [(made(name, known) or b"", made(content, known))] * (times[0] if times else 1)
    return headers


def unique() -> dict[str, str | int]:
    return {"ID": new_command_id(), "NOW": now_ms(), "HERE": HERE}


class Replay:
    """Sends the file's records and finds out what happened to them."""

    def __init__(self, log: Log, follower: GovernanceFollower, actor: Actor, governor: Governor) -> None:
        self.log = log
        self.follower = follower
        self.actor = actor
        self.governor = governor
        self._keys = {**log.keys}
        self._names = (f"script/good-{number}" for number in itertools.count())

    async def commands(self) -> Sent:
        rows = [(each, *self._command(each)) for each in of_topic(COMMANDS)]
        sent: Sent = {}
        for partition in range(PARTITIONS):
            there = [(each, record) for each, record, where in rows if where == partition]
            sent |= await self._send(COMMANDS, partition, there)
        return sent

    def _command(self, each: Hostile) -> tuple[RawRecord, int]:
        # Records that must not lock the shared object have their own object in the same partition.
        known = unique()
        while each.partition == -1 and partition_for(made(each.key, known) or b"", PARTITIONS) != HERE:
            if "@ID@" not in str(each.key):
                break
            known = unique()
        partition = partition_for(made(each.key, known) or b"", PARTITIONS) if each.partition == -1 else HERE
        if each.partition == -2:
            partition = (HERE + 1) % PARTITIONS
        return self._signed(each, known, UPSTREAM), partition

    def _signed(self, each: Hostile, known: dict[str, str | int], usual: str) -> RawRecord:
        value = made(each.value, known)
        log = self.log
        signing = command_headers(each.signed, self._keys, log.writer, log.identity, usual, value or b"")
        return RawRecord(value, made(each.key, known), signing + headers_of(each, known))

    def _good_command(self, partition: int) -> RawRecord:
        name = next(name for name in self._names if partition_for(name.encode(), PARTITIONS) == partition)
        value = encode(fields(resource=name))
        return RawRecord(value, name.encode(), raw_headers(sign(self.actor, value)))

    async def governance_commands(self) -> Sent:
        rows = [(each, self._signed(each, unique(), PROPOSER)) for each in of_topic(GOVERNANCE_COMMANDS)]
        return await self._send(GOVERNANCE_COMMANDS, 0, rows)

    def _good_change(self) -> RawRecord:
        account = {"id": f"good-{new_command_id()}", "kind": "service"}
        change = {"type": "assent.register-principal.v1", "account": account}
        said = {"type": "assent.change-governance.v1", "id": new_command_id(), "principal": PROPOSER}
        value = encode({**said, "at": now_ms(), "change": change})
        headers = command_headers(PROPOSER, self._keys, self.log.writer, self.log.identity, PROPOSER, value)
        return RawRecord(value, b"governance", headers)

    async def _send(self, topic: str, partition: int, rows: Sequence[tuple[Hostile, RawRecord]]) -> Sent:
        """Each record and a good one, in batches."""
        sent: Sent = {}
        batch: list[RawRecord] = []
        names: list[str] = []

        async def flush(codec: str | None = None) -> None:
            if batch:
                built = build_batch(batch, codec)
                first = await produce_raw(self.log.connection, topic, partition, built)
                sent.update({name: (partition, first + 2 * n) for n, name in enumerate(names)})
            batch.clear()
            names.clear()

        for each, record in rows:
            good = self._good_change() if topic == GOVERNANCE_COMMANDS else self._good_command(partition)
            if each.codec is not None or _size(batch) + _size([record, good]) > _BATCH_BYTES:
                await flush()
            batch.extend((record, good))
            names.append(each.name)
            if each.codec is not None:
                await flush(each.codec)
        await flush()
        return sent

    async def forgeries(self, topic: str) -> Outcomes:
        """One at a time: each chains to the current head."""
        outcomes: Outcomes = {}
        rule, partition = self._rule(topic), 0 if topic == GOVERNANCE else HERE
        for each in of_topic(topic):
            head, before = rule.head, rule.quarantined
            record = self._forged(each, topic, rule)
            offset = await produce_raw(self.log.connection, topic, partition, build_batch([record]))
            if topic == GOVERNANCE:
                account = Account(id=f"good-{new_command_id()}", kind="service")
                decided = await self.governor.change(RegisterPrincipal(account=account))
            else:
                name = next(n for n in self._names if partition_for(n.encode(), PARTITIONS) == HERE)
                decided = await self.actor.submit(name)
            dropped = rule.quarantined == before + 1 and decided.seq == head.seq + 1
            it = (
                "quarantined"
                if dropped
                else f"offset {offset}: seq {rule.head.seq}, {rule.quarantined - before} dropped"
            )
            outcomes[each.name] = Outcome(it, "decided" if decided.refusal is None else decided.refusal.code)
        return outcomes

    def _rule(self, topic: str) -> Acceptance:
        if topic == GOVERNANCE:
            return self.follower._acceptance
        return self.actor.publisher._reader.acceptances[HERE]

    def _forged(self, each: Hostile, topic: str, rule: Acceptance) -> RawRecord:
        head = rule.head
        known: dict[str, str | int] = {
            **unique(),
            "SEQ": head.seq,
            "PREV": head.value_sha256,
            "EPOCH": 1,
            "GOVERNANCE": head.governance,
        }
        if isinstance(each.value, dict) and "accepted" in each.value:
            value: bytes | None = self.accepted[topic][each.value["accepted"]].value
        else:
            value = made(each.value, known)
        sealing = ledger_headers(
            each.signed, self.log.writer, self.log.identity, rule.ledger, rule.partition, head.seq + 1, value
        )
        return RawRecord(value, None, sealing + headers_of(each, known))

    accepted: dict[str, list[Accepted]]
    """By topic, some accepted records, for attacks that send them again."""

    async def changes(self, folders: Folders) -> Outcomes:
        """Hostile and good releases in turn, for a real applier."""
        rows = of_topic(CHANGES)
        requests = await asyncio.gather(*(self._released(each.name) for each in rows))
        ledger = (await read_ledger(self.log, self.follower))[HERE]
        assert self.follower.evidence is not None
        releases = _releases(ledger, requests, self.follower.evidence)
        batch: list[RawRecord] = []
        for each, release in zip(rows, releases, strict=True):
            batch += [self._change(each, release), RawRecord(encode(release), release.resource.encode())]
        offsets: list[int] = []
        for start in range(0, len(batch), 10):
            built = build_batch(batch[start : start + 10])
            first = await produce_raw(self.log.connection, CHANGES, HERE, built)
            offsets += range(first, first + len(batch[start : start + 10]))
        async with applying(self.log, self.follower, folders) as applier:
            outcomes: Outcomes = {}
            for number, (each, release) in enumerate(zip(rows, releases, strict=True)):
                next_one = await applier.of(release.request, "succeeded")
                told = [it.result for it in applier.handled if it.offset == offsets[2 * number]]
                outcomes[each.name] = Outcome(
                    ",".join(told), "decided" if next_one.result == "succeeded" else ""
                )
        return outcomes

    async def _released(self, name: str) -> ChangeSubmitted:
        resource = next(n for n in self._names if partition_for(n.encode(), PARTITIONS) == HERE)
        return await self.actor.released(resource, encode(name))

    def _change(self, each: Hostile, release: Change) -> RawRecord:
        known = unique()
        if isinstance(each.value, dict) and "release" in each.value:
            value: bytes | None = encode(release)
            for field, content in each.value["release"].items():
                document = json.loads(value or b"{}")
                document[field] = json.loads(content)
                value = encode(document)
        else:
            value = made(each.value, known)
        return RawRecord(value, made(each.key, known), headers_of(each, known))


def _size(records: Sequence[RawRecord]) -> int:
    headers = sum(len(name) + len(content or b"") for each in records for name, content in each.headers)
    return headers + sum(len(each.value or b"") + len(each.key or b"") for each in records)


def _releases(
    ledger: Sequence[Accepted], requests: Sequence[ChangeSubmitted], evidence: GovernanceEvidence
) -> list[Change]:
    opened = OpenRequests(HERE, evidence)
    by_offset = {each.offset: each.value for each in ledger}
    for accepted in ledger:
        opened.take(accepted)
    releases: list[Change] = []
    for request in requests:
        found = opened.find(request.request)
        assert found is not None
        releases.append(found.change(submitted_payload(by_offset[found.offset])))
    return releases
