"""The optional fields of a submission for a terminal: (name, text) of each that it states. Pure."""

from msgspec import UNSET

from assent.reading.reference_lines import reference_line
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
    return facts


def version_facts(newest: str | None, made: str | None = None) -> list[tuple[str, str]]:
    """R26: what is known of the object's versions beside the base."""
    return [
        *([("stale", f"the newest known version is {newest}")] if newest is not None else []),
        *([("made version", made)] if made is not None else []),
    ]
