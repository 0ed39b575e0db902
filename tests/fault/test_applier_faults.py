"""What can go wrong around an applier, a row each: the effect is there once, and the ledger says the truth.

Kills at each step are in `tests/integration/dispatch/test_crashes.py`, ended leases and handlers that hang in
`test_lease.py`, ten that race in `test_several.py`, forged and repeated releases in `test_forged.py`, and
targets that answer wrongly, late or not at all in `tests/integration/applier`.
"""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from assent.local.stack import Stack
from assent_contracts.client import applier_commands, applier_run, change_settlement
from assent_contracts.client.applier_journal import Journal
from assent_contracts.client.follower import GovernanceFollower
from assent_contracts.client.handler import Applied, Release
from assent_contracts.client.publisher import now_ms
from tests.support.handover import Folders, applying, dispatching, events_of
from tests.support.log import Actor, Log, deciding, following, fresh_log, publishing
from tests.support.stack import until

pytestmark = pytest.mark.timeout(400)

_OUTCOME_WITHIN_S = 150
_HOUR_MS = 3_600_000

GONE_AT = {
    "before the claim": ("begin", None),
    "while it claims": ("write", "claim"),
    "after the claim": ("begin_to_apply", None),
    "before the report": ("write", "report"),
    "after the report": ("drop", None),
}
"""A method of the journal, and the part that it writes, at which Kafka goes away."""


class Target:
    """Remembers the idempotency key of each effect, and shows what it has."""

    def __init__(self) -> None:
        self.keys: list[str] = []
        self.during: Callable[[], None] | None = None

    async def apply(self, release: Release) -> None:
        if self.during is not None:
            self.during()
        if release.idempotency_key not in self.keys:
            self.keys.append(release.idempotency_key)

    async def read_back(self, release: Release) -> Applied | None:
        return Applied() if release.idempotency_key in self.keys else None


@asynccontextmanager
async def world(stack: Stack, folder: Path) -> AsyncIterator[tuple[Log, GovernanceFollower, Actor]]:
    log = await fresh_log(stack.bootstrap, folder / "keys")
    async with (
        following(log) as follower,
        deciding(log, follower),
        publishing(log, follower) as actor,
        dispatching(log, follower),
    ):
        yield log, follower, actor


async def outcome(log: Log, follower: GovernanceFollower, request: str) -> list[str]:
    """Its events, once one of them is an outcome."""
    ends = {"request-completed", "request-failed", "outcome-unknown"}

    async def ended() -> bool:
        return not ends.isdisjoint(await events_of(log, follower, request))

    await until(ended, timeout_s=_OUTCOME_WITHIN_S)
    return await events_of(log, follower, request)


@pytest.mark.parametrize(
    "gone_s", [3, pytest.param(60, marks=pytest.mark.long)], ids=["for seconds", "for a minute"]
)
@pytest.mark.parametrize("step", [*GONE_AT, "during the effect"])
async def test_kafka_that_is_gone_at_a_step_delays_the_outcome_and_changes_nothing_else(
    step: str, gone_s: int, *, stack: Stack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target, gone = Target(), asyncio.Event()

    def kill_kafka() -> None:
        if not gone.is_set():
            assert stack.kafka.pid is not None
            os.kill(stack.kafka.pid, signal.SIGKILL)
            gone.set()

    if step in GONE_AT:
        _call_at(step, kill_kafka, monkeypatch)
    else:
        target.during = kill_kafka
    async with world(stack, tmp_path) as (log, follower, actor):
        applier = applying(
            log, follower, Folders.of(tmp_path), handler=target.apply, read_back=target.read_back
        )
        async with applier:
            releasing = asyncio.create_task(actor.released("script/gone"))
            await gone.wait()
            await stack.kafka.kill()
            await asyncio.sleep(gone_s)  # so long it is down: there is nothing to wait for
            await stack.kafka.start()
            request = await releasing
            events = await outcome(log, follower, request.request)
    assert events[-1] == "request-completed"
    assert events.count("change-claimed") == 1
    assert len(target.keys) == 1


def _call_at(step: str, action: Callable[[], None], monkeypatch: pytest.MonkeyPatch) -> None:
    name, part = GONE_AT[step]
    real: Callable[..., Any] = getattr(Journal, name)

    def first(journal: Journal, *arguments: Any) -> Any:
        if part is None or part in arguments:
            action()
        return real(journal, *arguments)

    monkeypatch.setattr(Journal, name, first)


async def test_clock_that_is_an_hour_late_changes_neither_a_lease_nor_an_outcome(
    stack: Stack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _set_clock(-_HOUR_MS, monkeypatch)
    target = Target()
    async with world(stack, tmp_path) as (log, follower, actor):
        applier = applying(
            log, follower, Folders.of(tmp_path), handler=target.apply, read_back=target.read_back
        )
        async with applier:
            request = await actor.released("script/late")
            events = await outcome(log, follower, request.request)
    assert events[-1] == "request-completed"
    assert "lease-renewed" not in events
    assert len(target.keys) == 1


async def test_clock_that_is_an_hour_early_is_refused_by_name_and_applies_once_it_is_right(
    stack: Stack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(change_settlement, "_CLOCK_RETRY_S", 1.0)
    target = Target()
    async with world(stack, tmp_path) as (log, follower, actor):
        request = await actor.released("script/early")
        applier = applying(
            log, follower, Folders.of(tmp_path), handler=target.apply, read_back=target.read_back
        )
        with monkeypatch.context() as wrong:
            _set_clock(_HOUR_MS, wrong)
            async with applier as running:
                handled = await running.of(request.request, "refused")
                assert handled.detail.startswith("stale: ")
                assert target.keys == []
                wrong.undo()
                events = await outcome(log, follower, request.request)
    assert events[-1] == "request-completed"
    assert len(target.keys) == 1


def _set_clock(ahead_ms: int, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (applier_commands, applier_run):
        monkeypatch.setattr(module, "now_ms", lambda: now_ms() + ahead_ms)


async def test_handler_that_fills_memory_is_unknown_by_name_and_the_next_change_is_applied(
    stack: Stack, tmp_path: Path
) -> None:
    applied: list[str] = []

    def fills(release: Release) -> None:
        if release.change.resource.endswith("/fills"):
            bytearray(1 << 46)  # more than a process can have
        applied.append(release.change.resource)

    async with world(stack, tmp_path) as (log, follower, actor):
        async with applying(log, follower, Folders.of(tmp_path), handler=fills) as applier:
            full = await actor.released("script/fills")
            handled = await applier.of(full.request, "unknown")
            after = await actor.released("script/next")
            await applier.of(after.request, "succeeded")
        assert (await outcome(log, follower, full.request))[-1] == "outcome-unknown"
    assert handled.detail == "The applier's handler raised MemoryError. Its log has the details."
    assert applied == ["script/next"]
