"""Whether log time is ahead of the clock, for `assent doctor`: then deadlines stand still. Pure."""

from assent.cli.diagnosis.check import Check
from assent.cli.log_completeness import Outside
from assent.decider.clocks import APART_MS
from assent_contracts.core.governance.wording import moment
from assent_contracts.topics import LEDGER_TOPICS


def log_time_finding(outside: Outside, now: int) -> Check:
    """Hold the log time of each partition's newest known head against this machine's clock, `now` (ms)."""
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
        why=f"In {furthest} it is {moment(ahead[furthest])}, and this machine's clock says {moment(now)}:"
        " until then deadlines and leases stand still.",
        remedy="If this machine's clock is wrong, set it. If it is right, a wrong time was recorded:"
        " `assent settings correct-time now`, which a second administrator approves: see"
        " docs/how-to/clocks.md.",
    )
