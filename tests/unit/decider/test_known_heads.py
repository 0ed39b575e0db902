"""What a stolen key has signed counts as long as governance lists that key, and no longer."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final, cast

import pytest

from assent.decider import known_heads
from assent.decider.heads_file import write_heads_file
from assent.decider.known_heads import KnownHeads
from assent.observe.health import Health
from assent_contracts.client.connection import Connection
from assent_contracts.client.follower import GovernanceFollower
from assent_contracts.client.heads_topic import signed_head
from assent_contracts.client.keys import SecretKey
from assent_contracts.heads import KeptHead, SignedHead

IDENTITY: Final = "1d" * 32
ME: Final = SecretKey("writer-1", "decider", bytes(range(32)))
THIEF: Final = SecretKey("writer-2", "decider", bytes(range(1, 33)))


def signed(key: SecretKey, sha256: str) -> KeptHead:
    head = SignedHead(
        ledger="ledger",
        partition=0,
        seq=5,
        sha256=sha256 * 64,
        next_offset=6,
        next_input=1,
        at=1,
        epoch=1,
    )
    return signed_head(key, IDENTITY, head)


@pytest.mark.parametrize("thiefs_first", [True, False])
async def test_partition_contradicted_by_a_stolen_key_is_led_again_once_the_key_is_retired(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, thiefs_first: bool
) -> None:
    listed = {key.id: key.public_key for key in (ME, THIEF)}
    writers = SimpleNamespace(public_keys=lambda: dict(listed))
    follower = cast("GovernanceFollower", SimpleNamespace(identity=IDENTITY, losses=[], writers=writers))

    async def empty(*_: Any) -> None:
        """A topic without heads."""

    monkeypatch.setattr(known_heads, "sift_topic", empty)
    monkeypatch.setattr(known_heads, "LEARN_EVERY_S", 0.0)
    file = tmp_path / "heads.json"
    it = KnownHeads(Connection(bootstrap="none"), ME, follower, file=file, health=Health())
    in_turn = [signed(THIEF, "a"), signed(ME, "b")]
    for each in in_turn if thiefs_first else reversed(in_turn):
        write_heads_file(file, [each])
        await it.learn()
    assert it.contradiction(("ledger", 0)) is not None
    assert it.contradiction(("ledger", 1)) is None
    del listed[THIEF.id]
    assert it.contradiction(("ledger", 0)) is None
    head = it.of(("ledger", 0))
    assert head is not None
    assert head.sha256 == "b" * 64
