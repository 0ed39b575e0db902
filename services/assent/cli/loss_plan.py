"""What accepting a loss means: what is missing, and what is given up, by name."""

from collections.abc import Mapping
from pathlib import Path

import structlog
from aiokafka import TopicPartition
from msgspec import Struct

from assent.cli import output
from assent.cli.connection.log_access import LogAccess, reading_tables
from assent.cli.log_completeness import deciders_heads, missing, outside_heads, present_log, unknown_eras
from assent.cli.options import Options
from assent.decider.heads_file import read_heads_file
from assent.decider.loss_acceptance import LedgerEnds
from assent.store.given_up import GivenUpRows, given_up_rows
from assent.store.stored_heads import HEADS_UNREACHABLE, sift_database
from assent_contracts.client.follower import GovernanceFollower
from assent_contracts.client.newest_heads import NewestHeads, trusted_keys
from assent_contracts.client.partition_probe import Probe
from assent_contracts.eras import gives_up_of
from assent_contracts.governance_objects import LedgerEnd, Loss
from assent_contracts.heads import KnownHead, Place
from assent_contracts.resources import parse_request_id
from assent_contracts.topics import LEDGER_TOPICS

_PRINTED_MAX = 50


class GivenUpPartition(Struct, frozen=True, kw_only=True):
    """What would be given up of one ledger partition."""

    ledger: str
    partition: int
    known_seq: int
    there_seq: int
    next_input: int


class UnconfirmedChange(Struct, frozen=True, kw_only=True):
    """A change to governance that stays in force although its request is given up."""

    seq: int
    """Of the governance record."""
    request: str
    released: int
    """The seq of the release, in the request's partition."""
    known: bool
    """Whether the partition was ever known to reach that seq; if not, the change may be forged."""


class LossPlan(Struct, frozen=True, kw_only=True):
    """What accepting the loss means."""

    missing: list[str]
    """What is missing, one sentence each."""
    partitions: list[GivenUpPartition]
    standing: list[UnconfirmedChange]
    """Changes to governance that can no longer be confirmed."""
    given_up: tuple[str, ...]
    """Eras of which the accepting record was lost."""
    named: GivenUpRows | None
    """What is given up, by name, as far as Postgres has rows of it; None where Postgres does not answer."""


async def plan_of(
    access: LogAccess,
    follower: GovernanceFollower,
    ends: LedgerEnds,
    heads: tuple[Path, ...],
    options: Options,
) -> LossPlan:
    """The plan by all known heads; `heads`: files of further deciders. Raises KafkaError, HeadsFileError."""
    kept = [deciders_heads(options, access.identity)]
    kept += [read_heads_file(path) or [] for path in heads]
    outside = await outside_heads(access.connection, follower, await _stored(access, follower), *kept)
    there = await present_log(access.connection, follower, outside)
    places: dict[Place, LedgerEnd] = {(each.ledger, each.partition): each for each in ends.ends}
    return LossPlan(
        missing=sorted({finding.why for finding in [*missing(outside, there, follower), *ends.inputs]}),
        partitions=[
            GivenUpPartition(
                ledger=end.ledger,
                partition=end.partition,
                known_seq=outside.known[place].seq if place in outside.known else -1,
                there_seq=end.seq,
                next_input=end.next_input,
            )
            for place, end in places.items()
        ],
        standing=_standing(ends, outside.known),
        given_up=unknown_eras(outside, follower),
        named=await _named(access, ends),
    )


def _standing(ends: LedgerEnds, known: Mapping[Place, KnownHead]) -> list[UnconfirmedChange]:
    loss = Loss(era="", ends=ends.ends)
    found: list[UnconfirmedChange] = []
    for request, outcome in ends.lead.writer.desk.governance.release_outcomes.items():
        if outcome.refusal is None and gives_up_of(loss, request, outcome.released):
            partition, _ = parse_request_id(request) or (-1, -1)
            head = known.get(("ledger", partition))
            found.append(
                UnconfirmedChange(
                    seq=outcome.seq,
                    request=request,
                    released=outcome.released,
                    known=head is not None and outcome.released <= head.seq,
                )
            )
    return found


async def _stored(access: LogAccess, follower: GovernanceFollower) -> NewestHeads:
    newest = NewestHeads()
    try:
        await sift_database(access.dsn, newest, access.identity, trusted_keys(follower.writers.public_keys()))
    except HEADS_UNREACHABLE as error:
        structlog.get_logger().warning("Postgres was not asked which heads it knows", error=repr(error))
        output.print_progress("Postgres does not answer: what it knows of the log is not shown here.")
    return newest


async def _named(access: LogAccess, ends: LedgerEnds) -> GivenUpRows | None:
    places = {TopicPartition(LEDGER_TOPICS[end.ledger], end.partition): end.next_offset for end in ends.ends}
    try:
        async with reading_tables(access) as db, Probe(access.connection) as probe:
            return await given_up_rows(db, probe, places)
    except HEADS_UNREACHABLE as error:
        structlog.get_logger().warning("Postgres was not asked what is given up", error=repr(error))
        return None


def print_plan(plan: LossPlan) -> None:
    """Print the plan for people."""
    for each in plan.missing:
        output.print_line(each)
    for part in plan.partitions:
        topic = LEDGER_TOPICS["governance" if part.ledger == "governance" else "ledger"]
        lost = max(0, part.known_seq - part.there_seq)
        output.print_line(
            f"{topic}/{part.partition}: known {_up_to(part.known_seq)}, there {_up_to(part.there_seq)};"
            f" {lost:,} records given up; commands count from offset {part.next_input:,}."
        )
    for each in plan.standing:
        output.print_line(
            f"Governance seq {each.seq:,} stays in force, and its request {each.request} is given up:"
            " it can no longer be confirmed. Look at it with `assent audit tail`."
        )
        if not each.known:
            output.print_line(
                f"  No release of {each.request} was ever known: it may have been forged with a writer's key."
                " Find out before you accept.",
                style="bold red",
            )
    if plan.named is None:
        output.print_line("Postgres does not answer, so what is given up cannot be listed by name.")
    elif plan.missing:
        for line in named_lines(plan.named):
            output.print_line(line)


def named_lines(named: GivenUpRows) -> list[str]:
    """What is given up, one to a line: governance first, at most _PRINTED_MAX of each kind."""
    governance = [
        f"  seq {each.seq:,}: {each.command or each.outcome} {each.resource or ''}"
        f" by {each.principal or 'the writer'}"
        for each in named.governance[:_PRINTED_MAX]
    ]
    requests = [
        f"  {each.id} {each.resource}: {each.status}, asked for by {each.requester}"
        for each in named.requests[:_PRINTED_MAX]
    ]
    return [
        *_under("Given up of governance, by Postgres:", governance, named.governance_count),
        *_under("Requests that lose something, by Postgres:", requests, named.requests_count),
    ] or ["Postgres has no rows of what is given up."]


def _under(title: str, lines: list[str], count: int) -> list[str]:
    more = [f"  and {count - len(lines):,} more"] if count > len(lines) else []
    return [title, *lines, *more] if lines else []


def _up_to(seq: int) -> str:
    return "empty" if seq < 0 else f"up to seq {seq:,}"
