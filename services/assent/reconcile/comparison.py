"""What a target shows now, compared with what was applied to it (R28). Pure."""

from collections.abc import Callable, Collection, Iterator, Mapping

import msgspec

from assent.reconcile.applied_requests import AppliedRequest, AppliedRequests
from assent.reconcile.known_findings import Finding, KnownFindings

Matches = Callable[[str, AppliedRequest], bool | None]
"""Whether a shown version is what the request has made; None if that cannot be known."""
MadeBy = Callable[[str, str | None, str], bool]
"""Whether an entry of the target's history, by its version, is what gave an object the version that it shows,
or None if it shows nothing.
"""


class Shown(msgspec.Struct, frozen=True, gc=False):
    """What a target shows of one object."""

    version: str
    by: str | None = None
    detail: str = ""


def differences(
    shown: Mapping[str, Shown],
    applied: AppliedRequests,
    known: KnownFindings,
    matches: Matches,
    *,
    of_type: Callable[[str], bool],
    made_by: MadeBy | None = None,
) -> Iterator[Finding]:
    """The findings that are not known yet, in the order of their objects.

    An object is left for the next time if a change to it was in progress at any time while the target was
    read. `of_type`: whether an object is to be looked at. `made_by`: only of a target whose history is read
    too. Its entries show what no request made, and what they explain is not found twice.
    """
    for resource in sorted({*shown, *applied.objects(), *known.objects()}):
        if not of_type(resource) or applied.is_touched(resource) or applied.is_pending(resource):
            continue
        there = shown.get(resource)
        found = _difference(resource, there, applied, known, matches, extras=made_by is None)
        if found is None or (known.is_known(found) and (made_by is None or known.is_newest_shown(resource))):
            continue
        if (
            found.kind == "restored"
            or made_by is None
            or not _is_entry(there, found, applied, known, made_by)
        ):
            yield found


def without_note(
    noted: Collection[str], applied: AppliedRequests, known: KnownFindings, of_type: Callable[[str], bool]
) -> Iterator[Finding]:
    """The same for a target that only notes which requests were applied: the ones that are not noted."""
    for resource in sorted({*applied.objects()}):
        if not of_type(resource) or applied.is_touched(resource) or applied.is_pending(resource):
            continue
        newest = applied.newest(resource)
        assert newest is not None, "something was applied to it"
        if newest.id in noted:
            found = _restored(resource, None, newest, known)
        else:
            found = Finding("missing", resource, None, newest.id)
        if found is not None and not known.is_known(found):
            yield found


def _difference(
    resource: str,
    shown: Shown | None,
    applied: AppliedRequests,
    known: KnownFindings,
    matches: Matches,
    *,
    extras: bool,
) -> Finding | None:
    newest = applied.newest(resource)
    if newest is None:
        if shown is None or not extras:
            return None if shown is not None else _restored(resource, None, None, known)
        detail = _made_by_failed(shown.version, applied.failed(resource), matches) or shown.detail
        return Finding("unexplained", resource, shown.version, None, shown.by, detail)
    if shown is None:
        if newest.deletes:
            return _restored(resource, None, newest, known)
        return Finding("missing", resource, None, newest.id)
    if newest.deletes or matches(shown.version, newest) is False:
        detail = _made_by_failed(shown.version, applied.failed(resource), matches) or shown.detail
        return Finding("different", resource, shown.version, newest.id, shown.by, detail)
    return _restored(resource, shown.version, newest, known)


def _restored(
    resource: str, version: str | None, newest: AppliedRequest | None, known: KnownFindings
) -> Finding | None:
    before = known.shown(resource)
    if before is None or before.kind == "restored":
        return None
    return Finding("restored", resource, version, None if newest is None else newest.id)


def _is_entry(
    shown: Shown | None, finding: Finding, applied: AppliedRequests, known: KnownFindings, made_by: MadeBy
) -> bool:
    """Whether the newest finding is an entry of the history, after the request, that made what is shown.

    It must still be so. A merge or a forced push can bring back another version without any new entry.
    """
    found, newest = known.newest(finding.resource), applied.newest(finding.resource)
    if found is None or newest is None or known.is_newest_shown(finding.resource):
        return False
    if int(found.finding.partition("-")[2]) <= newest.ended_seq or not isinstance(found.version, str):
        return False
    return made_by(finding.resource, None if shown is None else shown.version, found.version)


def _made_by_failed(version: str, failed: list[AppliedRequest], matches: Matches) -> str:
    for request in reversed(failed):
        if not request.deletes and matches(version, request):
            return f"It is what request {request.id} would have made, which has failed."
    return ""
