"""Reconcilers on a real log, and changes that a real target gets through it."""

import tomllib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import msgspec

from assent.applier.targets.target import Target
from assent.infra_files import infra_path
from assent.reconcile.configuration import read_configurations
from assent.reconcile.reconciler import Reconciler, Run
from assent_contracts.client.follower import GovernanceFollower
from assent_contracts.client.handler import Release
from assent_contracts.client.publisher import Decided, new_command_id, now_ms
from assent_contracts.commands import ReportFinding, ReportOutcome
from assent_contracts.digests import sha256_hex
from assent_contracts.events import ChangeSubmitted, FindingReported
from assent_contracts.ledger import decode_events
from assent_contracts.released_change import Change
from tests.support.log import APPLIER, Actor, Log, fresh_log, read_ledger

RECONCILERS: Final = ("reconciler", "reconciler2")
_ACCOUNTS = "".join(
    f"""
[[principals]]
id = "{name}"
kind = "service"
"""
    for name in RECONCILERS
)
_ROLE = """
[[roles]]
role = "reconciler"
principals = ["reconciler", "reconciler2"]
resource_types = ["script", "app", "flag"]

[[policies]]
id = "flags"
name = "Flags"
resource_type = "flag"
approver_groups = ["endpoint-admins"]
quorum = 1
"""


async def log_with_reconcilers(bootstrap: str, folder: Path) -> Log:
    """A newly founded log with two reconcilers, for scripts, apps and flags, besides the demo's accounts."""
    governance = folder / "governance.toml"
    governance.write_text(infra_path("demo/governance.toml").read_text("utf-8") + _ACCOUNTS + _ROLE)
    return await fresh_log(bootstrap, folder, governance=governance)


class Reconciling(msgspec.Struct):
    """What a test needs to change a target, by Assent and by hand, and to have it compared."""

    log: Log
    follower: GovernanceFollower
    actor: Actor
    folder: Path
    name: str
    """Of the target."""

    def configuration(self, text: str, **common: str) -> Path:
        """The configuration file of this test's target."""
        lines = [f'name = "{self.name}"', *(f"{name} = {value}" for name, value in common.items()), text]
        file = self.folder / "reconcile.toml"
        file.write_text("\n".join(lines) + "\n")
        assert tomllib.loads(file.read_text())
        return file

    @asynccontextmanager
    async def running(
        self, file: Path, principal: str = RECONCILERS[0], state: str = "state"
    ) -> AsyncIterator[Reconciler]:
        """A connected reconciler of the file's one target."""
        [configuration] = read_configurations(file)
        reconciler = Reconciler(
            self.log.connection,
            self.follower,
            self.log.keys[principal],
            self.folder / state,
            configuration,
        )
        await reconciler.start()
        try:
            yield reconciler
        finally:
            await reconciler.stop()

    async def run(self, file: Path, principal: str = RECONCILERS[0], state: str = "state") -> Run:
        """One run of a reconciler that has just started."""
        async with self.running(file, principal, state) as reconciler:
            return await reconciler.run()

    async def found(self, file: Path, **kind: str) -> list[tuple[str, str, str | None, str | None]]:
        """The kind, object, version and request of each finding that a run records."""
        return shape(await self.run(file, **kind))

    async def claimed(
        self, target: Target, resource: str, payload: bytes, *, operation: str = "edit"
    ) -> tuple[ChangeSubmitted, str | None]:
        """A change that was claimed and made at the target, and not reported; with its version."""
        request = await self.actor.opened(resource, payload=payload, operation=operation)
        for decided in (await self.actor.approve(request), await self.actor.complete(request)):
            assert decided.refusal is None, decided.refusal
        claim = await self.actor.claim(request)
        assert claim.refusal is None, claim.refusal
        made = await target.apply(_release(request, operation, payload, claim))
        return request, None if made is None or not made.version else made.version

    async def applied(
        self, target: Target, resource: str, payload: bytes, *, operation: str = "edit"
    ) -> ChangeSubmitted:
        """A change that was made at the target and reported, with its version."""
        request, version = await self.claimed(target, resource, payload, operation=operation)
        await self.report(request, version)
        return request

    async def report(
        self, request: ChangeSubmitted, version: str | None = None, outcome: str = "succeeded"
    ) -> Decided:
        """Report an outcome."""
        fields: dict[str, Any] = {} if version is None else {"version": version}
        decided = await self.actor.send(
            ReportOutcome(
                id=new_command_id(),
                principal=APPLIER,
                at=now_ms(),
                resource=request.resource,
                request=request.request,
                outcome=outcome,  # pyright: ignore[reportArgumentType]
                **fields,
            )
        )
        assert decided.refusal is None, decided.refusal
        return decided

    async def reported(self, resource: str, **fields: Any) -> Decided:
        """A finding that the reconciler's key reports about this test's target, whatever the target shows."""
        decided = await self.actor.send(
            ReportFinding(
                id=new_command_id(),
                principal=RECONCILERS[0],
                at=now_ms(),
                resource=resource,
                target=self.name,
                seen_at=now_ms(),
                **fields,
            )
        )
        assert decided.refusal is None, decided.refusal
        return decided

    async def recorded(self) -> list[FindingReported]:
        """The findings of this test's target on the ledger."""
        ledger = await read_ledger(self.log, self.follower)
        return [
            event
            for accepted in ledger.values()
            for each in accepted
            for event in decode_events(each.record)
            if isinstance(event, FindingReported) and event.target == self.name
        ]


def shape(run: Run) -> list[tuple[str, str, str | None, str | None]]:
    """The kind, object, version and request of each finding that a run has recorded."""
    return [(each.kind, each.resource, each.version, each.request) for each in run.reported]


def _release(request: ChangeSubmitted, operation: str, payload: bytes, claim: Decided) -> Release:
    change = Change(
        request=request.request,
        resource=request.resource,
        operation=operation,
        requester=request.requester,
        justification="It is needed.",
        digest=request.digest,
        submission=request.submission,
        released=claim.seq - 1,
        at=claim.at,
        payload=msgspec.Raw(payload),
    )
    key = sha256_hex(f"{request.request} {request.submission}".encode())
    return Release(change=change, claim=claim.seq, idempotency_key=key, remaining_s=60, approvers=("bob",))
