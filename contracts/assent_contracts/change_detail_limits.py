"""The limits of a submission's optional fields beyond their types, each with its refusal."""

import re
from typing import Final

from msgspec import UNSET, UnsetType

from assent_contracts import limits
from assent_contracts.change_details import HashedReference
from assent_contracts.characters import draws_nothing
from assent_contracts.commands import SubmitChange
from assent_contracts.digests import DIGEST_PATTERN
from assent_contracts.form_refusals import bad_text, identifier_refusal, is_identifier, malformed, too_large
from assent_contracts.refusals import Refusal
from assent_contracts.resources import has_control_characters, is_resource, is_type_name

_DIGEST: Final = re.compile(DIGEST_PATTERN)


def bad_details(details: SubmitChange) -> Refusal | None:
    """The refusal of the optional fields; None if all that are there are well-formed."""
    for name, text, max_chars in (
        ("impact", details.impact, limits.IMPACT_MAX_CHARS),
        ("fallback", details.fallback, limits.FALLBACK_MAX_CHARS),
        ("expected", details.expected, limits.EXPECTED_MAX_CHARS),
    ):
        bad = None if text is UNSET else _bad_words(name, text, max_chars)
        if bad is not None:
            return bad
    return (
        _bad_tested(details)
        or _bad_tickets(details)
        or bad_version("base", details.base)
        or _bad_window(details)
    )


def _bad_window(details: SubmitChange) -> Refusal | None:
    begins, ends = details.not_before, details.not_after
    for name, at in (("not_before", begins), ("not_after", ends)):
        if isinstance(at, int) and not 0 <= at < limits.FOR_EVER_MS:
            return malformed(f"{name} is not a time in milliseconds since 1970.")
    if isinstance(begins, int) and isinstance(ends, int) and begins >= ends:
        return malformed("not_before is not earlier than not_after.")
    if isinstance(begins, int) and begins - details.at > limits.WINDOW_AHEAD_MAX_MS:
        return malformed("not_before is more than 366 days later than the command.")
    if isinstance(ends, int) and ends - details.at > limits.LONGEST_MS:
        return malformed("not_after is more than a hundred years later than the command.")
    return None


def bad_version(name: str, version: str | UnsetType) -> Refusal | None:
    """The refusal of an object's version; None if it is well-formed or absent."""
    if version is UNSET or is_identifier(version, limits.VERSION_MAX_CHARS):
        return None
    return identifier_refusal(name, version, limits.VERSION_MAX_CHARS)


def bad_member(resource: str, operation: str, digest: str, base: str | UnsetType) -> Refusal | None:
    """The refusal of what a set lists of a member; None if it is well-formed."""
    if not is_resource(resource):
        return malformed(f"{resource[:60]} in the set is not <type>/<id>.")
    if not is_type_name(operation) or _DIGEST.fullmatch(digest) is None:
        return malformed(f"{resource[:60]} in the set has no operation or no digest of 64 hex digits.")
    return bad_version("base of a member", base)


def _bad_words(name: str, text: str, max_chars: int) -> Refusal | None:
    bad = bad_text(name, text, max_chars)
    if bad is None and draws_nothing(text):
        return malformed(f"{name} is empty: leave it out, or say something.")
    return bad


def _bad_tested(details: SubmitChange) -> Refusal | None:
    if details.tested is UNSET:
        return None
    if not details.tested:
        return malformed("tested is an empty list: leave it out.")
    if len(details.tested) > limits.TESTED_MAX:
        return too_large("tested", len(details.tested), limits.TESTED_MAX, "entries")
    for each in details.tested:
        bad = _bad_test(each)
        if bad is not None:
            return bad
    return None


def _bad_test(test: HashedReference) -> Refusal | None:
    bad = _bad_words("what of tested", test.what, limits.TESTED_WHAT_MAX_CHARS)
    if bad is not None:
        return bad
    if has_control_characters(test.what):
        return malformed("what of tested is one line.")
    if _DIGEST.fullmatch(test.sha256) is None:
        return malformed("sha256 of tested is not 64 lower-case hex digits.")
    if test.uri is not UNSET and not is_identifier(test.uri, limits.URI_MAX_CHARS):
        return identifier_refusal("uri of tested", test.uri, limits.URI_MAX_CHARS)
    return None


def _bad_tickets(details: SubmitChange) -> Refusal | None:
    if details.tickets is UNSET:
        return None
    if not details.tickets:
        return malformed("tickets is an empty list: leave it out.")
    if len(details.tickets) > limits.TICKETS_MAX:
        return too_large("tickets", len(details.tickets), limits.TICKETS_MAX, "entries")
    if len(set(details.tickets)) != len(details.tickets):
        return malformed("tickets names one ticket twice.")
    for each in details.tickets:
        if not is_identifier(each, limits.TICKET_MAX_CHARS):
            return identifier_refusal("a ticket", each, limits.TICKET_MAX_CHARS)
    return None
