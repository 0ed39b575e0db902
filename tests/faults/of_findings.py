"""Faults in findings: who reports and closes them, and that each is recorded once."""

from typing import Final

from tests.faults.fault import REQUESTS, Fault

_RECONCILE: Final = "services/assent/reconcile"
_OF_RECONCILERS: Final = ("tests/unit/reconcile",)
_OF_FINDINGS: Final = ("tests/unit/test_findings.py", "tests/property/test_findings.py")


def _rule(breaks: str, file: str, old: str, new: str) -> Fault:
    return Fault(breaks, f"{REQUESTS}/{file}.py", old, new, _OF_FINDINGS)


def _compared(breaks: str, file: str, old: str, new: str) -> Fault:
    return Fault(breaks, f"{_RECONCILE}/{file}.py", old, new, _OF_RECONCILERS)


FAULTS: Final = (
    _rule(
        "a person reports a finding",
        "report_finding",
        "    if principal.person is not None or not context.governance.has_role(principal.id",
        "    if not context.governance.has_role(principal.id",
    ),
    _rule(
        "two reporters record one change twice",
        "report_finding",
        "        or _not_after_newest(findings, command, context)\n",
        "",
    ),
    _rule(
        "a finding is recorded again",
        "report_finding",
        "        or _known(newest, command)\n",
        "",
    ),
    _rule(
        "a finding names a request of the future",
        "report_finding",
        "place[0] == context.partition and place[1] < context.seq",
        "place[0] == context.partition",
    ),
    _rule(
        "findings have no quota",
        "report_finding",
        "        or _too_many(findings, command)\n",
        "",
    ),
    _rule(
        "a service closes a finding",
        "close_finding",
        "    if principal.person is None or not principal.enabled:\n",
        "    if not principal.enabled:\n",
    ),
    _rule(
        "anybody closes a finding",
        "close_finding",
        "    if not can_close_findings(context.principal, kind, context.governance):\n",
        "    if not context.principal.enabled:\n",
    ),
    _rule(
        "a finding of another object is closed",
        "object_findings",
        "        return found is not None and found[0] == resource\n",
        "        return found is not None\n",
    ),
    _rule(
        "what was restored stays open",
        "object_findings",
        '        if event.kind != "restored":\n',
        "        if event.kind:\n",
    ),
    _compared(
        "a trailer alone explains a commit",
        "git_history",
        "        elif not _has_made(request, commit.blobs[resource]):\n",
        "        elif request.deletes and not _has_made(request, commit.blobs[resource]):\n",
    ),
    _compared(
        "a copied commit is explained",
        "git_history",
        "    return request.version == commit.id\n",
        "    return bool(request.version)\n",
    ),
    _compared(
        "a position passes a commit whose request may still fail",
        "git_history",
        "        if not waits:\n",
        "        if not waits or findings:\n",
    ),
    _compared(
        "a change that is being applied is a finding",
        "applied_requests",
        "        self._touched = set(self._pending)\n",
        "        self._touched = set()\n        self._pending = {}\n",
    ),
    _compared(
        "a change that was applied while the target was read is a finding",
        "applied_requests",
        "        self._touched.add(request.resource)\n",
        "",
    ),
    _compared(
        "a change that comes back is not found again",
        "known_findings",
        '            identity_of(shown) == finding.identity or shown.kind == finding.kind == "restored"\n',
        '            identity_of(shown) == finding.identity or shown.kind == "restored"\n',
    ),
    _rule(
        "one reconciler uses up the quota of all",
        "object_findings",
        "        return self._open_of[reporter]\n",
        "        return len(self._open)\n",
    ),
    _compared(
        "an old entry of the history hides what the branch shows now",
        "comparison",
        "    return made_by(finding.resource, None if shown is None else shown.version, found.version)\n",
        "    return True\n",
    ),
    _compared(
        "what is there again is not found again, as it was found before",
        "comparison",
        "        if found is None or (known.is_known(found) and (made_by is None"
        " or known.is_newest_shown(resource))):\n",
        "        if found is None or known.is_known(found):\n",
    ),
    _compared(
        "a file is left out because of its name",
        "object_names",
        '    return _encoded(kind.decode(errors="replace"), name) if name else None\n',
        "    return None\n",
    ),
    _compared(
        "a completed set is missing at the target",
        "applied_requests",
        "        if event.members is not UNSET:\n            return  # R29",
        "        if event.members is None:\n            return  # R29",
    ),
)
