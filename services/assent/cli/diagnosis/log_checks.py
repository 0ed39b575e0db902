"""The checks of `assent doctor` on the log: its time, its readers, and the heads that are kept. Pure."""

from collections.abc import Mapping, Sequence

from assent.cli.diagnosis.check import Check
from assent.cli.log_completeness import OutsideHeads, PresentLog
from assent.decider.clocks import APART_MS
from assent.decider.heads_file import HeadsFileError
from assent.observe.health import fault_of
from assent_contracts.client.newest_heads import NewestHeads
from assent_contracts.core.governance.number_words import counted, moment
from assent_contracts.governance_objects import Loss
from assent_contracts.heads import HeadInEra, has_read_given_up
from assent_contracts.topics import GOVERNANCE, LEDGER, LEDGER_TOPICS

RECENT_MS = 24 * 60 * 60 * 1_000
"""A record that was quarantined within this time is a fault: more may be coming."""


def log_time_finding(outside: OutsideHeads, now: int) -> Check:
    """Compare the log time of each partition's newest known head with this machine's clock, `now` (ms)."""
    times = {
        f"{LEDGER_TOPICS[head.ledger]}/{head.partition}": head.at
        for head in outside.heads
        if (known := outside.known.get((head.ledger, head.partition))) is not None
        and (known.seq, known.sha256) == (head.seq, head.sha256)
    }
    ahead = {place: at for place, at in times.items() if at > now + APART_MS}
    if not ahead:
        return Check(ok=True, what="log time is not ahead of this machine's clock")
    furthest = max(ahead, key=lambda place: ahead[place])
    return Check(
        ok=False,
        what=f"log time is not ahead of this machine's clock in {', '.join(sorted(ahead))}",
        why=f"In {furthest} it is {moment(ahead[furthest])}, and this machine's clock shows {moment(now)}:"
        " until then deadlines and leases stand still.",
        remedy="If this machine's clock is wrong, set it. If it is right, a wrong time was recorded:"
        " `assent settings correct-time now`, which a second administrator approves: see"
        " docs/how-to/clocks.md.",
    )


def reader_findings(
    name: str, positions: Mapping[int, HeadInEra], there: PresentLog, losses: Sequence[Loss], most: int
) -> list[Check]:
    """How far a reader is behind: one finding, and one for each partition of which it has too much."""
    lag = 0
    findings: list[Check] = []
    for (ledger, partition), found in there.ledgers.items():
        if ledger != "ledger":
            continue
        read = positions.get(partition)
        read_to = 0 if read is None else read.head.next_offset
        gone = None if read is None else has_read_given_up(ledger, partition, read, losses)
        if gone is not None:
            findings.append(
                Check(
                    ok=False,
                    what=f"{name} and {LEDGER}/{partition}",
                    why=gone.why,
                    remedy=gone.todo,
                    service=name,
                    fault=fault_of(gone.place, gone.kind),
                )
            )
        elif read_to > found.end:
            findings.append(
                Check(
                    ok=False,
                    what=f"{name} and {LEDGER}/{partition}",
                    why=f"It has read up to offset {read_to:,}, and the ledger ends at offset {found.end:,}.",
                    remedy="Its rows are from a longer log. See docs/how-to/restore.md.",
                    service=name,
                    # As `compare` names a partition that ends before a known head.
                    follows_from=fault_of(f"{LEDGER}/{partition}", "cut"),
                )
            )
        else:
            lag += found.end - read_to
    behind = Check(
        ok=lag <= most,
        what=f"{name} is {lag:,} records behind the ledger",
        remedy=f"Is the service running? See logs/{name}.log.",
        service=name,
    )
    return [behind, *findings]


def governance_finding(seq: int, quarantined: int, *, is_recent: bool) -> Check:
    """Of the governance ledger at `seq`; `is_recent`: whether a record was quarantined in the last day.

    A quarantined record stays on the topic for good and changes nothing, so an old one is not a fault.
    """
    return Check(
        ok=not is_recent,
        what=f"governance at seq {seq:,}, {counted(quarantined, 'record')} quarantined",
        why="At least one of them was written within the last 24 hours." if is_recent else "",
        remedy=f"A program without the writer's key writes to {GOVERNANCE}: check the ACLs. Such records"
        " change nothing, and this is ok again 24 hours after the last of them.",
    )


def ledger_finding(read: Mapping[int, HeadInEra]) -> Check:
    """How many records of the request ledger do not count, as far as a reader has come. Never a fault.

    A decider that stops in the middle of a run, or continues after another has taken over, leaves some.
    """
    by_partition = {
        number: max(0, each.head.next_offset - each.head.seq - 1) for number, each in sorted(read.items())
    }
    where = ", ".join(f"{number}: {count:,}" for number, count in by_partition.items() if count)
    total = counted(sum(by_partition.values()), "record")
    return Check(
        ok=True, what=f"{LEDGER}: {total} quarantined" + (f" (in partition {where})" if where else "")
    )


def stored_finding(newest: NewestHeads) -> Check:
    """Of the heads in Postgres."""
    return Check(
        ok=not newest.false,
        what="the heads in Postgres are the writers' own",
        why=f"At least {newest.false:,} name a writer that has not signed them. They do not count.",
        remedy=(
            "Somebody with the status service's rights has written to the table: change its password."
            " The status service deletes such rows within a week; the table's owner can do so at once:"
            " see docs/how-to/restore.md."
        ),
    )


def file_finding(error: HeadsFileError) -> Check:
    """Of the decider's file."""
    return Check(ok=False, what="the decider's file of heads", remedy=str(error))
