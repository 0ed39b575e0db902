"""What was verified and what could not be: a proof states how far it goes. Pure."""

from collections.abc import Mapping, Sequence

import msgspec

from assent.verify.finding import Tally
from assent_contracts.heads import Place


class Verified(msgspec.Struct, frozen=True, kw_only=True):
    """Nothing wrong was found."""

    partitions: dict[str, Tally]
    """`governance`, and each partition of requests by its number."""
    checked: tuple[str, ...]
    """What was checked, each as a phrase for people."""
    not_checked: tuple[str, ...]
    """What could not be checked, and what it would take."""


def verified_report(
    tallies: Mapping[str, Tally], known: Mapping[Place, Sequence[str]], *, from_file: bool
) -> Verified:
    """Summarise what was done. `known`: the sources that knew where each partition ended."""
    checked = ["chain, seals and signatures; every decision made again; each command decided once, in order"]
    not_checked: list[str] = []
    if from_file:
        not_checked.append("the audit table: only the file was read")
    else:
        rows = sum(tally.audited or 0 for tally in tallies.values())
        records = sum(tally.records for tally in tallies.values())
        checked.append(f"the audit table: every column of {rows:,} rows, and that there are no other rows")
        if rows < records:
            not_checked.append(f"{records - rows:,} records that the audit table does not have yet")
    sources = sorted({source for partition in known.values() for source in partition})
    if sources:
        checked.append(f"that nothing is missing at the end that is known to: {'; '.join(sources)}")
    without = [name for name in tallies if not known.get(_place(name))]
    if without:
        not_checked.append(
            f"that nothing is missing at the end of {', '.join(without)}: no source knew where it ended."
            " Pass --expect FILE (`assent audit heads` makes one; keep it elsewhere)"
        )
    return Verified(partitions=dict(tallies), checked=tuple(checked), not_checked=tuple(not_checked))


def _place(name: str) -> Place:
    return ("governance", 0) if name == "governance" else ("ledger", int(name))
