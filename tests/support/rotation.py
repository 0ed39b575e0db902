"""Rotate a running log's writers: a key is added, the deciders switch to it, the previous one retires."""

import itertools
from pathlib import Path
from typing import Any

import msgspec

from assent_contracts.client.keys import SecretKey
from assent_contracts.client.publisher import new_command_id, now_ms, repeats
from assent_contracts.codec import encode
from assent_contracts.commands import Approve, Complete, SubmitChange
from assent_contracts.digests import sha256_hex
from assent_contracts.governance_changes import AddWriter, GovernanceChange, RetireWriter, object_of
from assent_contracts.governance_objects import Writer
from tests.support.governor import PROPOSER
from tests.support.services import Running
from tests.support.stack import until
from tests.support.world import World

_APPROVER = "bob"
_LISTED_WITHIN_S = 180.0
"""The decider of it may be paused or killed in the meantime."""


class Rotation:
    """The writers of one world, in turn."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._now = world.log.writer
        self._numbers = itertools.count(2)

    async def turn(self, deciders: list[Running]) -> None:
        """Two administrators add a key, each decider is started with it, and two retire the previous key."""
        world, before = self._world, self._now
        key = SecretKey(f"writer-{next(self._numbers)}", "decider")
        await self._change(AddWriter(writer=Writer(id=key.id, public_key=key.public)))

        async def is_listed() -> bool:
            return world.follower.writers.ever_listed(key.id) is not None

        await until(is_listed, timeout_s=_LISTED_WITHIN_S)
        self._replace(key, world.log.folder / "writer.key")
        for each in deciders:
            each.kill()
        await self._change(RetireWriter(writer=before.id))
        self._now = key

    @staticmethod
    def _replace(key: SecretKey, path: Path) -> None:
        fresh = path.with_name(f"{key.id}.key")
        key.save(fresh)
        fresh.replace(path)

    async def _change(self, change: GovernanceChange) -> None:
        """As a request, like any other: sent until it is decided."""
        load, resource = self._world.load, object_of(change)
        submit = SubmitChange(
            **_said(PROPOSER, resource),
            operation="edit",
            justification="Keys change.",
            payload=msgspec.Raw(encode(change)),
        )
        decided = await load.send(submit)
        assert decided.refusal is None, decided.refusal
        first = repeats(decided)
        request = f"{decided.partition}-{decided.seq if first is None else first}"
        named: dict[str, Any] = {"request": request, "submission": sha256_hex(encode(submit))}
        for command in (
            Approve(**_said(_APPROVER, resource), **named),
            Complete(**_said(PROPOSER, resource), **named),
        ):
            decided = await load.send(command)
            assert decided.refusal is None, decided.refusal


def _said(principal: str, resource: str) -> dict[str, Any]:
    return {"id": new_command_id(), "principal": principal, "at": now_ms(), "resource": resource}
