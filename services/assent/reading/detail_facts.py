"""The optional fields of a submission for a terminal: (name, text) of each that it states. Pure."""

from msgspec import UNSET

from assent.reading.reference_lines import reference_line
from assent.reading.utc_times import utc_text
from assent_contracts.change_details import ChangeDetails


def detail_facts(details: ChangeDetails) -> list[tuple[str, str]]:
    """What the submission states, in the order in which approvers read it."""
    facts: list[tuple[str, str]] = []
    if details.emergency is not UNSET:
        facts.append(("emergency", "yes" if details.emergency else "no"))
    for name, text in (
        ("impact", details.impact),
        ("fallback", details.fallback),
        ("expected", details.expected),
    ):
        if text is not UNSET:
            facts.append((name, text))
    if details.tested is not UNSET:
        facts += [("tested", reference_line(each)) for each in details.tested]
    if details.tickets is not UNSET:
        facts.append(("tickets", ", ".join(details.tickets)))
    if details.base is not UNSET:
        facts.append(("made from", details.base))
    return facts + _window_and_set(details)


def _window_and_set(details: ChangeDetails) -> list[tuple[str, str]]:
    """R27, R29: when it can be applied, and what it is decided with."""
    facts: list[tuple[str, str]] = []
    if details.not_before is not UNSET:
        facts.append(("can be applied from", utc_text(details.not_before)))
    if details.not_after is not UNSET:
        facts.append(("can be applied until", utc_text(details.not_after)))
    if details.members is not UNSET:
        facts.append(("a set of", f"{details.members:,} objects, decided and released together"))
    if details.part_of is not UNSET:
        facts.append(("part of the set", f"{details.part_of}, and decided there"))
    return facts


def version_facts(newest: str | None, made: str | None = None) -> list[tuple[str, str]]:
    """R26: what is known of the object's versions beside the base."""
    return [
        *([("stale", f"the newest known version is {newest}")] if newest is not None else []),
        *([("made version", made)] if made is not None else []),
    ]
