"""Faults in findings: who reports and closes them, and that each is recorded once."""

from typing import Final

from tests.faults.fault import REQUESTS, Fault

_OF_FINDINGS: Final = ("tests/unit/test_findings.py", "tests/property/test_findings.py")


def _rule(breaks: str, file: str, old: str, new: str) -> Fault:
    return Fault(breaks, f"{REQUESTS}/{file}.py", old, new, _OF_FINDINGS)


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
        "        return self._open.get(seq) == resource\n",
        "        return seq in self._open\n",
    ),
    _rule(
        "what was restored stays open",
        "object_findings",
        '        if event.kind != "restored":\n',
        "        if event.kind:\n",
    ),
)
