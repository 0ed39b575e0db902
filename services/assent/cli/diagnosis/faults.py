"""One fault of the log stops many services: it is told first and once, what follows in a line. Pure."""

from collections import Counter
from collections.abc import Iterable, Sequence

import msgspec

from assent.cli.diagnosis.check import Check


class Fault(msgspec.Struct, frozen=True):
    """What is wrong with the log, in one place or in several for which the same is to be done."""

    what: str
    whys: list[str]
    """A sentence for each place."""
    remedy: str
    follows: str
    """What follows from it, in a sentence; empty for nothing."""


def with_causes(findings: Sequence[Check]) -> list[Check]:
    """The same findings: each that follows from a fault follows from one that is among them.

    Where nobody has looked at the fault itself, whoever came upon it first tells it.
    """
    told = {each.fault for each in findings if each.fault}
    marked: list[Check] = []
    for each in findings:
        if each.follows_from and each.follows_from not in told:
            told.add(each.follows_from)
            each = msgspec.structs.replace(each, fault=each.follows_from, follows_from="")
        marked.append(each)
    return marked


def faults(findings: Sequence[Check]) -> list[Fault]:
    """What is wrong with the log, in the order in which it was found, with what follows from it.

    `findings`: as `with_causes` returns them.
    """
    by_remedy: dict[str, list[Check]] = {}
    for each in findings:
        if each.fault:
            by_remedy.setdefault(each.remedy, []).append(each)
    return [_fault(remedy, causes, findings) for remedy, causes in by_remedy.items()]


def others(findings: Iterable[Check]) -> list[Check]:
    """What is neither a fault of the log nor follows from one."""
    return [each for each in findings if not each.fault and not each.follows_from]


def _fault(remedy: str, causes: Sequence[Check], findings: Sequence[Check]) -> Fault:
    names = {each.fault for each in causes}
    follow = [each for each in findings if each.follows_from in names]
    return Fault(
        what=causes[0].what if len(causes) == 1 else f"the log is whole: {len(causes)} parts of it are not",
        whys=[each.why for each in causes],
        remedy=remedy,
        follows=_follows(follow),
    )


def _follows(follow: Sequence[Check]) -> str:
    if not follow:
        return ""
    count = len(follow)
    by_service = Counter(each.service for each in follow)
    named = ", ".join(f"{name} ({checks:,})" for name, checks in by_service.items())
    which = "1 more check fails" if count == 1 else f"{count:,} more checks fail"
    return f"{which} because of this, and for nothing else: {named}. --json has each in full."
