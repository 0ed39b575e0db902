"""A fault of the log stops many services: it is shown first and once, its effects in one line. Pure."""

from collections import Counter
from collections.abc import Iterable, Sequence

import msgspec

from assent.cli.diagnosis.check import Check


class Fault(msgspec.Struct, frozen=True):
    """A fault of the log, in one place or in several that have the same remedy."""

    what: str
    whys: list[str]
    """A sentence for each place."""
    remedy: str
    follows: str
    """What follows from it, in a sentence; empty for nothing."""


def with_causes(findings: Sequence[Check]) -> list[Check]:
    """The same findings, changed so that each fault that one follows from is among them.

    Where no check is about the fault itself, the first that follows from it becomes that check.
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
    """The faults of the log, in the order in which they were found, with what follows from each.

    `findings`: as `with_causes` returns them.
    """
    by_remedy: dict[str, list[Check]] = {}
    for each in findings:
        if each.fault:
            by_remedy.setdefault(each.remedy, []).append(each)
    return [_fault(remedy, causes, findings) for remedy, causes in by_remedy.items()]


def others(findings: Iterable[Check]) -> list[Check]:
    """The findings that are neither a fault of the log nor follow from one."""
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
    return f"{which} because of this alone: {named}. --json has each in full."
