"""The optional fields of a submission as fields of a form, and back. Pure."""

from typing import Any, Final

from msgspec import UNSET

from assent.gateway.console.forms import Form
from assent.gateway.console.text import t
from assent.gateway.problems import malformed_problem
from assent.reading.reference_lines import reference_line, reference_of
from assent.reading.utc_times import utc_ms, utc_text
from assent_contracts.change_details import ChangeDetails, HashedReference

DETAIL_FIELDS: Final = (
    *("impact", "fallback", "expected", "tested", "emergency", "tickets", "base"),
    *("not_before", "not_after"),
)


def detail_values(details: ChangeDetails) -> dict[str, str]:
    """The form's fields for these details."""
    emergency = {UNSET: "", True: "yes", False: "no"}[details.emergency]
    return {
        "impact": "" if details.impact is UNSET else details.impact,
        "fallback": "" if details.fallback is UNSET else details.fallback,
        "expected": "" if details.expected is UNSET else details.expected,
        "tested": "" if details.tested is UNSET else "\n".join(map(reference_line, details.tested)),
        "emergency": emergency,
        "not_before": "" if details.not_before is UNSET else utc_text(details.not_before),
        "not_after": "" if details.not_after is UNSET else utc_text(details.not_after),
        "base": "" if details.base is UNSET else details.base,
        "tickets": "" if details.tickets is UNSET else " ".join(details.tickets),
    }


def stated_details(details: ChangeDetails) -> tuple[str, ...]:
    """The names of the fields that a submission states, in the order of the page."""
    return tuple(name for name in DETAIL_FIELDS if getattr(details, name) is not UNSET)


def details_sent(form: Form) -> ChangeDetails:
    """The details in the fields. An empty field is left out. Raises Problem."""
    fields: dict[str, Any] = {
        name: text for name in ("impact", "fallback", "expected") if (text := form.text(name).strip())
    }
    tests = [line for line in form.text("tested").split("\n") if line.strip()]
    if tests:
        fields["tested"] = tuple(map(_tested, tests))
    emergency = form.line("emergency")
    if emergency:
        fields["emergency"] = emergency == "yes"
    tickets = form.text("tickets").replace(",", " ").split()
    if tickets:
        fields["tickets"] = tuple(tickets)
    base = form.line("base")
    if base:
        fields["base"] = base
    for name in ("not_before", "not_after"):
        text = form.line(name)
        if text:
            fields[name] = _time(text)
    return ChangeDetails(**fields)


def _time(text: str) -> int:
    found = utc_ms(text)
    if found is None:
        raise malformed_problem(t("new.not_a_time", text=text[:80]))
    return found


def _tested(line: str) -> HashedReference:
    found = reference_of(line)
    if found is None:
        raise malformed_problem(t("new.not_tested", line=line.strip()[:80]))
    return found
