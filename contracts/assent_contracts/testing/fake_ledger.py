"""A log in memory for the tests of upstreams: no broker, and the decisions of the real rules.

Commands are encoded, signed, read and decided as a decider does it, under a governance that was founded by
the same rules. Only the transport is missing, and nothing is sealed.
"""

import asyncio
import threading
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Sequence
from contextlib import aclosing, asynccontextmanager, contextmanager
from typing import Any, Final

import msgspec

from assent_contracts.acceptance import Accepted, first_head
from assent_contracts.access_policies import Policy
from assent_contracts.client.assent_connection import RefusedError
from assent_contracts.client.keys import SecretKey, signed_headers, verify_signature
from assent_contracts.client.publisher import Decided, decided_of, new_command_id, now_ms, repeats
from assent_contracts.client.request_updates import RequestFold, RequestUpdate
from assent_contracts.client.request_watches import Watch, Watches
from assent_contracts.client.upstream import Upstream, beside
from assent_contracts.client.upstream_async import AsyncUpstream
from assent_contracts.codec import encode
from assent_contracts.commands import (
    Approve,
    Claim,
    Command,
    Outcome,
    Reject,
    ReportOutcome,
    SubmitChange,
)
from assent_contracts.core.received import Envelope, open_envelope
from assent_contracts.core.writer.requests_desk import RequestsDesk
from assent_contracts.core.writer.writer import Incoming, PartitionWriter
from assent_contracts.digests import from_base64url, sha256_hex
from assent_contracts.ledger import RecordedCommand, decode_record, decode_recorded_command
from assent_contracts.partitioner import partition_for
from assent_contracts.resources import parse_request_id
from assent_contracts.signing import command_message
from assent_contracts.testing.fake_governance import FakeGovernance
from assent_contracts.testing.organisation import APPLIER, UPSTREAM, key_of, policy_of

PARTITIONS: Final = 4
_decode_submission = msgspec.json.Decoder(SubmitChange).decode


class _Partition:
    def __init__(self, number: int, identity: str) -> None:
        self.desk = RequestsDesk(number)
        self.writer: PartitionWriter[Any] = PartitionWriter(
            self.desk, first_head("ledger", identity), sealer=None, is_signed=lambda _envelope, _key: True
        )
        self.writer.begin()
        self.accepted: list[Accepted] = []
        self.commands = 0


class FakeLedger:
    """A log whose people are `organisation`'s. Its methods may be called from any thread."""

    def __init__(self, *, types: Sequence[str] = ("app",), policies: Sequence[Policy] | None = None) -> None:
        """`types`: each gets a policy that asks for one approval. `policies`: use these instead."""
        chosen = [policy_of(each) for each in types] if policies is None else policies
        self._governance = FakeGovernance(chosen, at=now_ms(), partitions=PARTITIONS)
        self._partitions = [_Partition(n, self._governance.identity) for n in range(PARTITIONS)]
        self._lock = threading.RLock()
        self._listeners: list[tuple[asyncio.AbstractEventLoop, Watches]] = []

    @contextmanager
    def connect(self, principal: str = UPSTREAM) -> Iterator[Upstream]:
        """An upstream as `assent_contracts.client.connect` returns it."""
        with beside(self.connect_async(principal)) as upstream:
            yield upstream

    @asynccontextmanager
    async def connect_async(self, principal: str = UPSTREAM) -> AsyncIterator[AsyncUpstream]:
        """An upstream as `assent_contracts.client.connect_async` returns it."""
        heard = (asyncio.get_running_loop(), Watches())
        with self._lock:
            self._listeners.append(heard)
        try:
            yield AsyncUpstream(_FakeLog(self, key_of(principal), heard[1]))
        finally:
            with self._lock:
                self._listeners.remove(heard)

    def approve(self, request: str, by: str = "bob", note: str = "") -> None:
        """Approve a request. Raises RefusedError, LookupError."""
        self._act(Approve(**self._on(request, by), submission=self._submission(request), note=note))

    def reject(self, request: str, by: str = "bob", note: str = "") -> None:
        """Reject a request. Raises RefusedError, LookupError."""
        self._act(Reject(**self._on(request, by), submission=self._submission(request), note=note))

    def apply(self, request: str, outcome: Outcome = "succeeded", message: str = "") -> None:
        """Claim a released change and report its outcome. Raises RefusedError, LookupError."""
        self._act(Claim(**self._on(request, APPLIER)))
        self._act(ReportOutcome(**self._on(request, APPLIER), outcome=outcome, message=message))

    def let_pass(self, days: float) -> None:
        """Let log time pass, and record what becomes due by it, such as expiries."""
        with self._lock:
            for number, partition in enumerate(self._partitions):
                last = partition.accepted[-1].record.at if partition.accepted else now_ms()
                for _ in partition.writer.record_due(last + round(days * 24 * 60 * 60 * 1_000)):
                    self._keep(number)

    def status(self, request: str) -> str:
        """The status of a request. Raises LookupError."""
        updates = self._updates(request)
        return updates[-1].status

    def decide(self, command: Command, key: SecretKey) -> Decided:
        """Decide a command, signed with this key."""
        value = encode(command)
        headers = signed_headers(key, self._governance.identity, command, value, "/assent/fake")
        return self.decide_bytes(value, command.resource.encode(), headers)

    def decide_bytes(self, value: bytes, kafka_key: bytes, headers: list[tuple[str, bytes]]) -> Decided:
        """Decide whatever is sent, as a decider does."""
        number = partition_for(kafka_key, PARTITIONS)
        with self._lock:
            partition = self._partitions[number]
            partition.desk.follow(self._governance.history, len(self._governance.history) - 1)
            envelope = open_envelope(value, kafka_key, headers)
            public_key, good = None, False
            if isinstance(envelope, Envelope):
                public_key = partition.desk.signing_key(envelope)
                good = public_key is not None and self._is_signed(envelope, value, public_key)
            offset = partition.commands
            partition.commands += 1
            partition.writer.decide(Incoming(offset, now_ms(), envelope, public_key, signature_good=good))
            return decided_of(number, self._keep(number))

    def _is_signed(self, envelope: Envelope, value: bytes, public_key: bytes) -> bool:
        try:
            signature = from_base64url(envelope.signature)
        except ValueError:
            return False
        return verify_signature(public_key, command_message(self._governance.identity, value), signature)

    def accepted(self, partition: int) -> list[Accepted]:
        """The records of a partition so far."""
        with self._lock:
            return list(self._partitions[partition].accepted)

    def _keep(self, number: int) -> Accepted:
        partition = self._partitions[number]
        batch = partition.writer.take_batch()
        assert batch is not None, "something was decided"
        [link] = batch.links
        accepted = Accepted(
            len(partition.accepted), decode_record(link.value), link.value, sha256_hex(link.value)
        )
        partition.accepted.append(accepted)
        for loop, watches in self._listeners:
            loop.call_soon_threadsafe(watches.take, number, accepted)
        return accepted

    def _act(self, command: Command) -> None:
        decided = self.decide(command, key_of(command.principal))
        if decided.refusal is not None:
            raise RefusedError(decided.refusal)

    def _on(self, request: str, principal: str) -> dict[str, Any]:
        return {
            "id": new_command_id(),
            "principal": principal,
            "at": now_ms(),
            "resource": self._submitted(request).resource,
            "request": request,
        }

    def _submission(self, request: str) -> str:
        return sha256_hex(self._submission_bytes(request))

    def _submitted(self, request: str) -> SubmitChange:
        return _decode_submission(self._submission_bytes(request))

    def _submission_bytes(self, request: str) -> bytes:
        place = parse_request_id(request)
        records = self.accepted(place[0]) if place is not None and place[0] < PARTITIONS else []
        if place is None or place[1] >= len(records):
            msg = f"The log has no request {request}."
            raise LookupError(msg)
        recorded = decode_recorded_command(records[place[1]].record)
        assert isinstance(recorded, RecordedCommand)
        return bytes(recorded.value)

    def _updates(self, request: str) -> list[RequestUpdate]:
        place = parse_request_id(request)
        assert place is not None
        self._submission_bytes(request)
        fold = RequestFold(request)
        return [update for each in self.accepted(place[0]) for update in fold.take(each)]


class _FakeLog:
    """The log as one account sees it."""

    def __init__(self, ledger: FakeLedger, key: SecretKey, watches: Watches) -> None:
        self._ledger = ledger
        self._watches = watches
        self.key: Final = key

    async def decide(self, command: Command, *, timeout_s: float = 0) -> Decided:
        decided = self._ledger.decide(command, self.key)
        seq = repeats(decided)
        return decided if seq is None else await self.decision_at(decided.partition, seq)

    async def decision_at(self, partition: int, seq: int) -> Decided:
        decided = decided_of(partition, self._ledger.accepted(partition)[seq])
        return msgspec.structs.replace(decided, repeated=True)

    async def command_at(self, partition: int, seq: int) -> bytes | None:
        records = self._ledger.accepted(partition) if partition < PARTITIONS else []
        recorded = decode_recorded_command(records[seq].record) if seq < len(records) else None
        return bytes(recorded.value) if isinstance(recorded, RecordedCommand) else None

    def watch(self, resource: str) -> Watch:
        return self._watches.begin(partition_for(resource.encode(), PARTITIONS))

    async def updates(
        self, request: str, watch: Watch | None = None
    ) -> AsyncGenerator[tuple[RequestUpdate, ...]]:
        place = parse_request_id(request)
        assert place is not None
        whole = self._watches.begin(place[0])
        whole.name(request)
        for accepted in self._ledger.accepted(place[0]):
            whole.take_next(accepted)
        whole.caught_up()
        never = asyncio.create_task(_forever(), name="never-deaf")
        try:
            async with aclosing(whole.records(never)) as records:
                async for updates in records:
                    yield updates
        finally:
            never.cancel()


async def _forever() -> None:
    await asyncio.Event().wait()
