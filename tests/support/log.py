"""A founded log on a real broker, with everybody's keys, and short ways to send commands."""

import asyncio
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
from aiokafka.admin import AIOKafkaAdminClient

from assent.decider.service import Decider
from assent.decider.snapshot_taking import SnapshotPace
from assent.decider.wall_clock_watch import MachineClock
from assent.founding.first_records import RECOVERY_KEY, found, founding_links, keys_to_make, save_keys
from assent.founding.governance_file import GovernanceFile, read_governance_file
from assent.infra_files import infra_path
from assent.ledger.topic_creation import apply_topics, topic_specs
from assent.observe.health import Health
from assent_contracts.acceptance import Accepted
from assent_contracts.client.connection import Connection
from assent_contracts.client.follower import GovernanceFollower
from assent_contracts.client.keys import SecretKey, load_key
from assent_contracts.client.ledger_reader import LedgerReader
from assent_contracts.client.publisher import Decided, Publisher, new_command_id, now_ms
from assent_contracts.commands import (
    Approve,
    Cancel,
    Claim,
    Command,
    Complete,
    Outcome,
    Reject,
    ReportOutcome,
    Revoke,
    SubmitChange,
)
from assent_contracts.digests import sha256_hex
from assent_contracts.events import ChangeSubmitted
from assent_contracts.governance_objects import SigningKey
from assent_contracts.writer_registry import RECOVERY

PARTITIONS = 4
UPSTREAM = "device-config"
"""The demo's service that submits changes."""
APPLIER = "applier"


class Log(msgspec.Struct, frozen=True):
    """A founded log: enough to act as anybody."""

    connection: Connection
    identity: str
    writer: SecretKey
    keys: dict[str, SecretKey]
    """By principal, for everybody in the demo's governance file."""
    folder: Path
    """The folder of the key files: `<principal>.key`, and `writer.key`."""


async def fresh_log(bootstrap: str, folder: Path, *, governance: Path | None = None) -> Log:
    """Empty topics with a newly founded log on them. Everything that was in the topics is deleted."""
    connection = Connection(bootstrap=bootstrap)
    await delete_topics(connection)
    await apply_topics(connection, partitions=PARTITIONS)
    writer = SecretKey("writer-1", "decider")
    writer.save(folder / "writer.key")
    return await founded_log(connection, folder, writer, governance=governance)


async def founded_log(
    connection: Connection, folder: Path, writer: SecretKey, *, governance: Path | None = None
) -> Log:
    """A log founded on topics of which that of governance is empty, with the keys that are in `folder`."""
    file = read_governance_file(governance or infra_path("demo/governance.toml"))
    made = make_keys(file, folder)
    save_keys({folder / RECOVERY_KEY: SecretKey(RECOVERY, RECOVERY)})
    recovery = load_key(folder / RECOVERY_KEY)
    links = founding_links(
        file,
        writers={writer.id: writer.public},
        recovery=recovery.public,
        partitions=PARTITIONS,
        made_keys=made,
        at_ms=now_ms(),
    )
    founded = await found(connection, links, writer, now_ms())
    keys = {principal: load_key(folder / f"{principal}.key") for principal in made}
    return Log(connection, founded.identity, writer, keys, folder)


def make_keys(file: GovernanceFile, folder: Path) -> dict[str, SigningKey]:
    """Create and save the keys that the file lacks; returns the public halves by principal id."""
    made = keys_to_make(file, folder)
    save_keys({folder / f"{principal}.key": secret for principal, (_, secret) in made.items()})
    return {principal: key for principal, (key, _) in made.items()}


async def delete_topics(connection: Connection, names: Collection[str] | None = None) -> None:
    """Delete these topics of a broker, or all of Assent's."""
    names = topic_specs() if names is None else names
    admin = AIOKafkaAdminClient(**connection.options())
    await admin.start()
    try:
        async with asyncio.timeout(30):
            while there := [name for name in await admin.list_topics() if name in names]:
                await admin.delete_topics(there)
    finally:
        await admin.close()


@asynccontextmanager
async def following(log: Log) -> AsyncIterator[GovernanceFollower]:
    """A started governance follower."""
    follower = GovernanceFollower(log.connection, log.identity, with_evidence=True)
    await follower.start()
    try:
        yield follower
    finally:
        await follower.stop()


@asynccontextmanager
async def deciding(
    log: Log,
    follower: GovernanceFollower,
    partitions: set[int] | None = None,
    *,
    governing: bool = True,
    machine: MachineClock | None = None,
    health: Health | None = None,
    heads_file: Path | None = None,
    postgres: str | None = None,
    pace: SnapshotPace | None = None,
) -> AsyncIterator[Decider]:
    """A real decider in this process that leads `partitions` (all by default), and governance.

    Its `health` lists what is missing; `heads_file` and `postgres` are its sources of heads outside Kafka.
    """
    decider = Decider(
        log.connection,
        log.writer,
        follower,
        health or Health(),
        machine=machine,
        heads_file=heads_file,
        postgres=postgres,
        pace=pace or SnapshotPace(),
    )
    if governing:
        await decider.govern()
    await decider.lead(set(range(PARTITIONS)) if partitions is None else partitions)
    try:
        yield decider
    finally:
        await decider.close()


@asynccontextmanager
async def publishing(log: Log, follower: GovernanceFollower) -> AsyncIterator["Actor"]:
    """A client that sends any command as any principal and receives its decision."""
    publisher = Publisher(log.connection, follower, source="tests")
    await publisher.start()
    try:
        yield Actor(log, publisher)
    finally:
        await publisher.stop()


class Actor:
    """Sends commands as the principals of the demo's governance file."""

    def __init__(self, log: Log, publisher: Publisher) -> None:
        self.log = log
        self.publisher = publisher

    async def send(self, command: Command, *, key: SecretKey | None = None) -> Decided:
        """Sign with the principal's own key (or another) and wait for the decision."""
        return await self.publisher.send(command, key or self.log.keys[command.principal])

    async def submit(
        self,
        resource: str,
        *,
        principal: str = UPSTREAM,
        operation: str = "create",
        payload: bytes = b'"echo hello"',
        justification: str = "It is needed.",
        on_behalf_of: str | None = None,
    ) -> Decided:
        """Submit a change, as a service optionally on behalf of a person."""
        return await self.send(
            SubmitChange(
                id=new_command_id(),
                principal=principal,
                at=now_ms(),
                resource=resource,
                operation=operation,
                justification=justification,
                payload=msgspec.Raw(payload),
                on_behalf_of=msgspec.UNSET if on_behalf_of is None else on_behalf_of,
            )
        )

    async def opened(self, resource: str, **fields: str | bytes) -> ChangeSubmitted:
        """Submit a change that must be accepted."""
        decided = await self.submit(resource, **fields)  # type: ignore[arg-type]
        assert decided.refusal is None, decided.refusal
        event = decided.events[0]
        assert isinstance(event, ChangeSubmitted)
        return event

    async def approve(self, request: ChangeSubmitted, principal: str = "bob", *, note: str = "") -> Decided:
        """Approve what was submitted."""
        return await self.send(Approve(**_seen(request, principal), note=note))

    async def reject(self, request: ChangeSubmitted, principal: str = "bob", *, note: str = "") -> Decided:
        """Reject it."""
        return await self.send(Reject(**_seen(request, principal), note=note))

    async def revoke(self, request: ChangeSubmitted, principal: str = "bob") -> Decided:
        """Revoke an approval."""
        return await self.send(Revoke(**_on(request, principal)))

    async def cancel(self, request: ChangeSubmitted, principal: str = UPSTREAM) -> Decided:
        """Withdraw it."""
        return await self.send(Cancel(**_on(request, principal)))

    async def complete(self, request: ChangeSubmitted, principal: str = UPSTREAM) -> Decided:
        """Release it."""
        return await self.send(Complete(**_seen(request, principal)))

    async def claim(self, request: ChangeSubmitted, principal: str = APPLIER) -> Decided:
        """Claim it."""
        return await self.send(Claim(**_on(request, principal)))

    async def report(
        self, request: ChangeSubmitted, outcome: Outcome = "succeeded", principal: str = APPLIER
    ) -> Decided:
        """Report its outcome."""
        return await self.send(ReportOutcome(**_on(request, principal), outcome=outcome))

    async def released(self, resource: str, payload: bytes = b'"echo hello"') -> ChangeSubmitted:
        """A script change that was submitted, approved and completed."""
        request = await self.opened(resource, payload=payload)
        for decided in (await self.approve(request), await self.complete(request)):
            assert decided.refusal is None, decided.refusal
        assert request.digest == sha256_hex(payload)
        return request


def _seen(request: ChangeSubmitted, principal: str) -> dict[str, Any]:
    return {**_on(request, principal), "submission": request.submission}


def _on(request: ChangeSubmitted, principal: str) -> dict[str, Any]:
    return {
        "id": new_command_id(),
        "principal": principal,
        "at": now_ms(),
        "resource": request.resource,
        "request": request.request,
    }


async def read_ledger(log: Log, follower: GovernanceFollower) -> dict[int, list[Accepted]]:
    """Everything that is accepted on the request ledger now, by partition."""
    reader = LedgerReader(log.connection, follower, dict.fromkeys(range(PARTITIONS)))
    await reader.start()
    try:
        accepted: dict[int, list[Accepted]] = {partition: [] for partition in range(PARTITIONS)}
        async for polled in reader.until(await reader.end_offsets()):
            for partition, run in polled.items():
                accepted[partition] += run
    finally:
        await reader.stop()
    return accepted
