"""The limits of a reported finding beyond its types, each with its refusal (R28)."""

from typing import Final

from msgspec import UNSET

from assent_contracts import limits
from assent_contracts.change_detail_limits import bad_version
from assent_contracts.characters import draws_nothing
from assent_contracts.commands import ReportFinding
from assent_contracts.form_refusals import bad_text, identifier_refusal, is_identifier, malformed
from assent_contracts.refusals import Refusal
from assent_contracts.resources import has_control_characters, parse_request_id

_NEEDS: Final[dict[str, tuple[str, ...]]] = {
    "unexplained": ("version",),
    "different": ("version", "request"),
    "missing": ("request",),
    "restored": ("previous",),
}
_EXCLUDES: Final[dict[str, tuple[str, ...]]] = {"unexplained": ("request",), "missing": ("version",)}


def bad_report(report: ReportFinding) -> Refusal | None:
    """The refusal of a report's fields; None if all are well-formed and fit its kind."""
    if not is_identifier(report.target, limits.TARGET_NAME_MAX_CHARS):
        return identifier_refusal("target", report.target, limits.TARGET_NAME_MAX_CHARS)
    for name in _NEEDS[report.kind]:
        if getattr(report, name) is UNSET:
            return malformed(f"A finding of the kind {report.kind} needs {name}.")
    for name in _EXCLUDES.get(report.kind, ()):
        if getattr(report, name) is not UNSET:
            return malformed(f"A finding of the kind {report.kind} has no {name}.")
    for name in ("request", "previous"):
        text = getattr(report, name)
        if text is not UNSET and parse_request_id(text) is None:
            return malformed(f"{name} is not <partition>-<seq>.")
    if not 0 <= report.seen_at < limits.FOR_EVER_MS:
        return malformed("seen_at is not a time in milliseconds since 1970.")
    return (
        bad_version("version", report.version)
        or _bad_name(report)
        or bad_text("detail", report.detail, limits.FINDING_DETAIL_MAX_CHARS)
    )


def _bad_name(report: ReportFinding) -> Refusal | None:
    if report.by is UNSET:
        return None
    bad = bad_text("by", report.by, limits.FINDING_BY_MAX_CHARS)
    if bad is None and (draws_nothing(report.by) or has_control_characters(report.by)):
        return malformed("by is one line that is not empty: leave it out if the target does not state it.")
    return bad
