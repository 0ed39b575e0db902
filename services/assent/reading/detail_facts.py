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
    return facts
