"""The checks when a world has come to rest: the accepted records against the model, and all their readers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from assent.verify.governance_verifier import GovernanceVerifier
from assent.verify.requests_verifier import RequestsVerifier
from assent_contracts.acceptance import Accepted
from assent_contracts.digests import sha256_hex
from tests.simulation import model
from tests.simulation.boundaries import Times, must
from tests.simulation.ledger_readers import Following, LedgerReading, governance_records
from tests.simulation.projector import Projector, empty_table
from tests.simulation.restores import check_known

_VERIFIED = 0.02
"""One in this many worlds is verified too, because that takes as long as all the rest."""
_VERIFIED_AFTER_A_LOSS = 0.3

if TYPE_CHECKING:
    from collections.abc import Callable

    from assent_contracts.core.command_memory import CommandMemory
    from assent_contracts.core.writer.requests_desk import RequestsDesk
    from assent_contracts.topics import LedgerName
    from tests.simulation.world import World


def check(world: World) -> None:
    """All invariants of a world that has come to rest. Raises BrokenError."""
    world.auditor.read()
    fresh: list[bytes] = []
    _check_state(world, fresh.append)
    must(fresh == world.chain, "two readers do not agree")
    must(world.made.issuperset(fresh), "a record is accepted that no writer has made")
    governance = [each.value for each in governance_records(world.log, world.broker)]
    losing = world.restores.losing
    losing.check(fresh, governance)
    _check_confirmed(world, fresh, governance)
    must(world.made.issuperset(governance), "governance accepts what no writer has made")
    must(
        model.governance_of(governance, _times(world, "governance")) == world.broker.governance_commands.end,
        "a command to governance has no outcome",
    )
    told = model.governance_told(governance)
    requests = model.Requests(
        world.sender.signed,
        told,
        _times(world, "ledger"),
        world.log.per_minute,
        lost=bool(losing.accepted),
    )
    requests.take_all(fresh, world.log.identity)
    must(requests.next_input == world.broker.commands.end, "a command has no outcome")
    model.applied_once(world.target.applied, requests, losing.accepted)
    _check_rows(world, requests)
    check_known(world)
    if world.rng.random() < (_VERIFIED_AFTER_A_LOSS if losing.accepted else _VERIFIED):
        _verify_all(world)


def _times(world: World, ledger: LedgerName) -> Times:
    """When each command was appended, and where losses were accepted."""
    topic = world.broker.governance_commands if ledger == "governance" else world.broker.commands
    appended = [each.at for each in topic.entries]
    return Times(world.restores.losing.boundaries[ledger], appended)


def _check_confirmed(world: World, requests: list[bytes], governance: list[bytes]) -> None:
    for leader in world.leaders:
        chain, first = (governance, world.log.head.seq + 1) if leader.governs else (requests, 0)
        for head in leader.confirmed:
            number = head.seq - first
            there = number < len(chain) and sha256_hex(chain[number]) == head.value_sha256
            must(there, f"{leader.key} took seq {head.seq} for accepted, and it is not")


def _check_rows(world: World, requests: model.Requests) -> None:
    """However often it crashed and was restored, the table ends like a new one."""
    if not world.projectors:
        return
    for projector in world.projectors:
        for _ in range(3):
            projector.work(1 << 20, commits=True)
    table = empty_table(world.log)
    Projector(world.log, world.broker, table, world.outside).work(1 << 20, commits=True)
    must(world.table.rows == table.rows, "the table differs from one that is built anew")
    shown = {
        f"0-{seq}": ({each.approver for each in row.approvals}, row.last_seq, row.deadline)
        for seq, row in table.rows.items()
        if row.status in ("needs_approval", "approved")
    }
    must(shown == requests.shown(), "the table shows open requests otherwise than they are")


def _check_state(world: World, hear: Callable[[bytes], object]) -> None:
    """The writer that has decided to the end has the same state as one that takes over."""
    again = world.leader(world.last.key, governs=False)
    again.take_over(hear)
    live = world.last.writer
    if live is None:
        return
    assert again.writer is not None
    mine, theirs = _state(live.desk), _state(again.writer.desk)
    must(mine == theirs, f"the rebuilt state differs: {mine} and {theirs}")
    must(live.seq == again.writer.seq, "the rebuilt head differs")
    must(live.next_input == again.writer.next_input, "the rebuilt next input differs")


def _verify_all(world: World) -> None:
    """`assent audit verify` finds nothing wrong. Raises FindingError."""
    governance = GovernanceVerifier(world.log.identity, world.log.signing.verify)
    governance.take((*world.log.records, *governance_records(world.log, world.broker)))
    history, claims = governance.history, governance.claims
    requests = RequestsVerifier(0, world.log.identity, history, world.log.signing.verify, claims)
    accepted: list[Accepted] = []
    LedgerReading(Following(world.log, world.broker), world.broker, accepted.append).read()
    requests.take(accepted)
    claims.confirm()


def _state(desk: RequestsDesk) -> tuple[object, ...]:
    """All that a writer of requests decides by, except governance."""
    state, private = desk.state, ("_last", "_open_by_resource", "_open_by_requester")
    inner = (vars(state)[name] for name in private)
    return (state.at, state.writers_since, state.requests, *inner, *_memory(desk.remembered))


def _memory(memory: CommandMemory) -> tuple[object, ...]:
    """The memory that causes refusals: ids, the latest forgotten date, and the counts of this minute."""
    inner = vars(memory)
    counted = (inner["_minute"], inner["_sent"], inner["_copied"])
    return (inner["_commands"], inner["_ahead"], memory.forgotten, *counted)
