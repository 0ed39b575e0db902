"""A thief with a writer's key seals the acceptance of a loss that the recovery key has never signed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from assent_contracts.codec import encode
from assent_contracts.core.writer.chain import Chain
from assent_contracts.digests import to_base64url
from assent_contracts.governance_messages import GOVERNANCE_KEY, AcceptLoss, LossAccepted
from assent_contracts.governance_objects import LedgerEnd, Loss
from assent_contracts.ledger import RecordedCommand
from assent_contracts.signing import command_message
from assent_contracts.topics import LedgerName
from assent_contracts.writer_registry import RECOVERY
from tests.simulation.broker import Entry
from tests.simulation.ledger_readers import Following, LedgerReading, governance_records
from tests.simulation.organisation import WRITERS
from tests.simulation.producer import sealed

if TYPE_CHECKING:
    from assent_contracts.acceptance import Accepted
    from tests.simulation.world import World

_KEY: Final = WRITERS[0]


class Thief:
    """Has the key of one writer, and uses it only for this."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._has_acted = False

    def act(self) -> str:
        """Seal it, once, where that key counts and no older copy is in place."""
        world = self._world
        log, broker = world.log, world.broker
        following = Following(log, broker)
        following.catch_up()
        if self._has_acted or world.restores.is_older or _KEY not in following.writers.public_keys():
            return "nothing"
        governance = (*log.records, *governance_records(log, broker))
        requests: list[Accepted] = []
        LedgerReading(following, broker, requests.append).read()
        ends = (_end("governance", governance), _end("ledger", requests))
        command = AcceptLoss(**world.sender.about(RECOVERY, world.now), ends=ends)
        value = encode(command)
        # Under the recovery key's name, by the stolen key.
        signature = to_base64url(log.signing.sign(_KEY, command_message(log.identity, value)))
        recorded = RecordedCommand(value=msgspec.Raw(value), key=RECOVERY, signature=signature)
        last = governance[-1]
        chain = Chain(log.head, last.record.epoch + 1)
        chain.follow(last.record.seq, last.value_sha256, last.record.epoch + 1)
        events = (LossAccepted(loss=Loss(era=command.id, ends=ends)),)
        at = max(last.record.at, world.now)
        link = chain.link(GOVERNANCE_KEY, events, at=at, command=recorded)
        headers = sealed(log, _KEY, ("governance", 0), chain.head(-1, next_offset=0))
        broker.governance.append([Entry(link.key, link.value, headers, world.now)])
        self._has_acted = True
        return f"{_KEY} seals a loss that nobody has accepted"


def _end(ledger: LedgerName, accepted: tuple[Accepted, ...] | list[Accepted]) -> LedgerEnd:
    """Where it really ends: all heads would be void, and commands would count from the first again."""
    last = accepted[-1] if accepted else None
    return LedgerEnd(
        ledger=ledger,
        partition=0,
        seq=-1 if last is None else last.record.seq,
        sha256="00" * 32 if last is None else last.value_sha256,
        next_offset=0 if last is None else last.offset + 1,
        topic_end=0 if last is None else last.offset + 1,
        next_input=0,
    )
