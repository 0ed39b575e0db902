"""Many requests at once, of every kind of life, by senders that never give a command up."""

import asyncio
import itertools
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
from aiokafka.errors import KafkaError

from assent_contracts.client.keys import signed_headers
from assent_contracts.client.publisher import (
    Decided,
    NotDecidedError,
    Publisher,
    new_command_id,
    now_ms,
    repeats,
)
from assent_contracts.codec import encode
from assent_contracts.commands import Approve, Cancel, Command, Complete, Reject, Revoke, SubmitChange
from assent_contracts.digests import sha256_hex
from tests.support.log import UPSTREAM, Log

_AT_ONCE = 12
_TIMEOUT_S = 15.0


class Load:
    """Plays stories until it is told to stop; each is played to its end."""

    def __init__(self, log: Log, publisher: Publisher) -> None:
        self.pace_s = 0.0
        """How long each sender rests after a story."""
        self._log = log
        self._publisher = publisher
        self._numbers = itertools.count()
        self._stopping = False
        self._tasks: list[asyncio.Task[None]] = []
        self.on_decided: Callable[[Decided], None] = lambda _decided: None
        self.decided = 0
        self.repeated = 0

    def start(self) -> None:
        """Begin, or go on after `finish`."""
        self._stopping = False
        self._tasks = [asyncio.create_task(self._play()) for _ in range(_AT_ONCE)]

    async def finish(self) -> None:
        """Begin no new story; returns when the last one has ended."""
        self._stopping = True
        await asyncio.gather(*self._tasks)

    async def abandon(self) -> None:
        """End every story where it is."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def until_decided(self, count: int) -> None:
        """Wait until this many more commands have been decided."""
        target = self.decided + count
        while self.decided < target:
            for task in self._tasks:
                if task.done():
                    task.result()
            await asyncio.sleep(0.02)

    async def _play(self) -> None:
        while not self._stopping:
            number = next(self._numbers)
            kind = STORIES[number % len(STORIES)]
            await kind(_Story(self, number))
            await asyncio.sleep(self.pace_s)

    async def send(self, command: Command) -> Decided:
        """Send the same bytes until there is an answer."""
        key = self._log.keys[command.principal]
        value = encode(command)
        headers = signed_headers(key, self._log.identity, command, value, "load")
        while True:
            try:
                decided = await self._publisher.send_bytes(
                    value, command.resource.encode(), headers, timeout_s=_TIMEOUT_S
                )
            except (NotDecidedError, KafkaError):
                await asyncio.sleep(0.2)
                continue
            self.decided += 1
            self.on_decided(decided)
            self.repeated += repeats(decided) is not None
            return decided


class _Story:
    def __init__(self, load: Load, number: int) -> None:
        self._load = load
        self._number = number
        self._about: dict[str, Any] = {}
        self._seen: dict[str, Any] = {}

    async def submit(self, kind: str, principal: str = UPSTREAM) -> SubmitChange:
        resource = f"{kind}/{kind}-{self._number}"
        payload = encode(f"echo {self._number}") if kind == "script" else encode({"version": self._number})
        command = SubmitChange(
            id=new_command_id(),
            principal=principal,
            at=now_ms(),
            resource=resource,
            operation="create",
            justification="It is needed.",
            payload=msgspec.Raw(payload),
        )
        decided = await self._load.send(command)
        assert decided.refusal is None, decided.refusal
        first = repeats(decided)
        seq = decided.seq if first is None else first
        self._about = {"resource": resource, "request": f"{decided.partition}-{seq}"}
        self._seen = {"submission": sha256_hex(encode(command))}
        return command

    def _said(self, principal: str) -> dict[str, Any]:
        return {"id": new_command_id(), "principal": principal, "at": now_ms(), **self._about}

    async def approve(self, principal: str) -> Approve:
        command = Approve(**self._said(principal), **self._seen)
        await self._load.send(command)
        return command

    async def reject(self, principal: str) -> None:
        await self._load.send(Reject(**self._said(principal), **self._seen))

    async def revoke(self, principal: str) -> None:
        await self._load.send(Revoke(**self._said(principal)))

    async def cancel(self, principal: str) -> None:
        await self._load.send(Cancel(**self._said(principal)))

    async def complete(self, principal: str = UPSTREAM) -> None:
        await self._load.send(Complete(**self._said(principal), **self._seen))

    async def again(self, command: Command) -> None:
        await self._load.send(command)


async def _applied(story: _Story) -> None:
    await story.submit("script")
    await story.approve("bob")
    await story.complete()


async def _needs_two(story: _Story) -> None:
    await story.submit("app")
    await story.approve("bob")
    await story.complete()
    await story.approve("dave")
    await story.complete()


async def _has_one_of_two(story: _Story) -> None:
    await story.submit("app")
    await story.approve("bob")
    await story.approve("bob")
    await story.complete()


async def _own_second_account(story: _Story) -> None:
    await story.submit("script", "alice")
    await story.approve("alice-admin")
    await story.approve("dave")
    await story.complete("alice")


async def _rejected(story: _Story) -> None:
    await story.submit("script")
    await story.reject("carol")
    await story.approve("bob")
    await story.complete()


async def _canceled(story: _Story) -> None:
    await story.submit("app")
    await story.cancel("bob")
    await story.cancel(UPSTREAM)
    await story.approve("bob")


async def _everything_twice(story: _Story) -> None:
    submission = await story.submit("script")
    approval = await story.approve("carol")
    await story.again(submission)
    await story.complete()
    await story.again(approval)
    await story.complete()


async def _taken_back(story: _Story) -> None:
    await story.submit("script")
    await story.approve("bob")
    await story.revoke("bob")
    await story.complete()


STORIES: list[Callable[[_Story], Awaitable[None]]] = [
    _applied,
    _needs_two,
    _has_one_of_two,
    _applied,
    _own_second_account,
    _everything_twice,
    _rejected,
    _canceled,
    _taken_back,
]
