"""A whole Assent of real processes under load, and the recount of everything that it left behind."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import asyncpg

from assent.applier.targets.file_names import TEMPORARY_PREFIX
from assent.local.stack import Stack
from assent_contracts.access_policies import BUILT_IN_TYPES
from assent_contracts.client.follower import GovernanceFollower
from assent_contracts.client.publisher import Publisher
from assent_contracts.topics import LEDGER
from tests.support.forced_decider import CLOCK
from tests.support.governor import assert_verified
from tests.support.load import Load
from tests.support.log import PARTITIONS, Log, following, fresh_log
from tests.support.model import Model, Organisation, Request
from tests.support.recount import Recount, recount
from tests.support.services import Running, Services
from tests.support.stack import migrated_database

ALL = ("decider", "status", "audit", "dispatch", "applier")
_LOOK_S = 0.3


class World:
    """Services, load, and the expected results."""

    def __init__(
        self, log: Log, follower: GovernanceFollower, dsn: str, services: Services, load: Load
    ) -> None:
        self.log = log
        self.follower = follower
        self.dsn = dsn
        self.services = services
        self.load = load
        self.target = services.folder / "target"
        self.clock = services.folder / "clock"
        """How far the forced decider's clock is ahead."""
        self._organisation = Organisation()
        self.counted: dict[str, Request] = {}
        """The requests after the last recount."""

    def start(self, *names: str, instance: str = "") -> list[Running]:
        """Start services by name; `forced` is a decider in no group, `forced-status` a reader in its own."""
        return [self._start(name, instance) for name in names]

    def _start(self, name: str, instance: str) -> Running:
        keys = {"applier": "applier.key", "decider": "writer.key", "forced": "writer.key"}
        more = {"ASSENT_KEY_FILE": str(self.log.folder / keys[name])} if name in keys else {}
        if name == "applier":
            more |= {
                "ASSENT_TARGET": str(self.target),
                "ASSENT_STATE": str(self.target.with_name(f"state{instance}")),
            }
        module = "tests.support.forced_decider" if name == "forced" else ""
        if name == "forced":
            more[CLOCK] = str(self.clock)
        if name.startswith("forced-"):
            module = f"tests.support.forced_reader {name.removeprefix('forced-')} {name}{instance}"
        return self.services.start(name, instance, module=module, **more)

    async def settled(self, *, applied: bool = True, tables: bool = True, timeout_s: float = 60.0) -> None:
        """Wait until everything matches the recount; fails with what does not."""
        wrong = "nothing was looked at"
        try:
            async with asyncio.timeout(timeout_s):
                while wrong:
                    self.services.revive()
                    wrong = await self._wrong(applied=applied, tables=tables)
                    await asyncio.sleep(_LOOK_S)
        except TimeoutError:
            raise AssertionError(wrong) from None
        # Including governance's claims about requests; otherwise a release that never existed would pass.
        tallies = await assert_verified(self.log, self.follower)
        assert sum(tally.records for tally in tallies.values()) >= self.load.decided

    async def _wrong(self, *, applied: bool, tables: bool) -> str:
        try:
            counted = await recount(self.log, self.follower)
        except AssertionError as error:
            return f"commands without a decision, or the other way round: {error}"[:300]
        self.counted = self._count(counted)
        return (
            (applied and self._wrong_target())
            or (tables and await self._wrong_requests())
            or (tables and await self._wrong_audit(counted))
            or (tables and await self._wrong_positions(counted))
            or ""
        )

    def _count(self, counted: Recount) -> dict[str, Request]:
        requests: dict[str, Request] = {}
        for partition in range(PARTITIONS):
            model = Model(partition, self._organisation)
            decided = [each for each in counted.ledger[partition] if isinstance(each.record.input, int)]
            for record, each in zip(counted.commands[partition], decided, strict=True):
                assert record.value is not None
                if json.loads(record.value)["resource"].partition("/")[0] in BUILT_IN_TYPES:
                    continue
                wrong = model.take(record.value, json.loads(each.value))
                assert wrong is None, f"partition {partition}, seq {each.record.seq}: {wrong}"
            requests |= model.requests
        for request in requests.values():
            if request.status == "completed" or request.progress:
                assert request.has_quorum(self._organisation), f"{request.id} went on without its quorum"
        return requests

    def _wrong_target(self) -> str:
        must_be = {
            self.target / request.resource: _content(request)
            for request in self.counted.values()
            if request.status == "completed"
        }
        there = {path: path.read_bytes() for path in self.target.rglob("*") if path.is_file()}
        # Since the recount an applier may have continued with what was released by then.
        released = {self.target / each.resource for each in self.counted.values() if each.progress}
        unfinished = {path for path in there if path.name.startswith(TEMPORARY_PREFIX)}
        surplus = there.keys() - must_be.keys() - released - unfinished
        assert not surplus, f"applied without approval: {sorted(surplus)[:5]}"
        if released or unfinished:
            return f"not applied yet: {sorted(released)[:5]} {sorted(unfinished)[:5]}"
        assert there == must_be, "the target does not hold what was approved"
        return ""

    async def _wrong_requests(self) -> str:
        rows = await self._rows(
            "select id, resource, requester, submission, status, progress, approvals::text approvals"
            " from requests where resource_type != all($1)",
            list(BUILT_IN_TYPES),
        )
        there = {
            row["id"]: (*list(row)[1:6], {each["person"] for each in json.loads(row["approvals"])})
            for row in rows
        }
        must_be = {
            each.id: (
                each.resource,
                each.requester,
                each.submission,
                each.status,
                each.progress,
                set(each.approvals),
            )
            for each in self.counted.values()
        }
        different = [key for key in must_be.keys() | there.keys() if must_be.get(key) != there.get(key)]
        if not different:
            return ""
        first = different[0]
        is_now, must = there.get(first), must_be.get(first)
        return f"{len(different)} of {len(must_be)} requests: {first} is {is_now}, not {must}"

    async def _wrong_audit(self, counted: Recount) -> str:
        rows = await self._rows(
            "select partition, seq, record::text from audit where ledger = $1 order by partition, seq", LEDGER
        )
        there = [(row[0], row[1], row[2].encode()) for row in rows]
        must_be = [
            (partition, each.record.seq, each.value)
            for partition in range(PARTITIONS)
            for each in counted.ledger[partition]
        ]
        if there == must_be:
            return ""
        assert len(there) <= len(must_be), "the audit log holds more than was accepted"
        return f"{len(there)} audit rows, {len(must_be)} accepted records"

    async def _wrong_positions(self, counted: Recount) -> str:
        rows = await self._rows(
            "select reader, partition, seq, value_sha256 from positions"
            " where ledger = $1 and reader in ('audit', 'status')",
            LEDGER,
        )
        there = {(row[0], row[1]): (row[2], row[3]) for row in rows if row[2] >= 0}
        must_be = {
            (reader, partition): (ledger[-1].record.seq, ledger[-1].value_sha256)
            for reader in ("audit", "status")
            for partition, ledger in counted.ledger.items()
            if ledger
        }
        return "" if there == must_be else f"positions are {there}, not {must_be}"

    async def _rows(self, query: str, *arguments: str | list[str]) -> list[asyncpg.Record]:
        try:
            connection = await asyncpg.connect(self.dsn, timeout=10)
        except (OSError, asyncpg.PostgresError):
            return []
        try:
            return await connection.fetch(query, *arguments)
        finally:
            await connection.close()


def _content(request: Request) -> bytes:
    is_script = request.resource.startswith("script/")
    return json.loads(request.payload).encode() if is_script else request.payload


@asynccontextmanager
async def world(stack: Stack, folder: Path) -> AsyncIterator[World]:
    """A new log, a new database, nothing running yet but the load's publisher."""
    log = await fresh_log(stack.bootstrap, folder / "keys")
    dsn = await migrated_database(stack.dsn, "faults")
    environ = {"ASSENT_KAFKA": stack.bootstrap, "ASSENT_IDENTITY": log.identity, "ASSENT_POSTGRES": dsn}
    async with AsyncExitStack() as open_things:
        follower = await open_things.enter_async_context(following(log))
        services = await open_things.enter_async_context(Services(folder, environ))
        publisher = Publisher(log.connection, follower, source="load")
        await publisher.start()
        open_things.push_async_callback(publisher.stop)
        load = Load(log, publisher)
        open_things.push_async_callback(load.abandon)
        yield World(log, follower, dsn, services, load)
