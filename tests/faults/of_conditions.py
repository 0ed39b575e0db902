"""Faults in what a policy asks of a change besides approvals."""

from typing import Final

from tests.faults.fault import CONTRACTS, GOVERNANCE, REQUESTS, Fault

_OF_DETAILS: Final = ("tests/unit/test_change_details.py",)
_OF_DUTIES: Final = ("tests/unit/test_three_duties.py",)
_OF_VERSIONS: Final = ("tests/unit/test_object_versions.py",)
_OF_WINDOWS: Final = ("tests/unit/test_windows.py",)

FAULTS: Final = (
    Fault(
        "R24: only the first policy of a type demands its fields",
        f"{GOVERNANCE}/state.py",
        "                for field in policy.demands:\n",
        "                for field in () if found else policy.demands:\n",
        _OF_DETAILS,
    ),
    Fault(
        "R24: a submission without a demanded field opens a request",
        f"{REQUESTS}/submit.py",
        "    if missing is not None:\n",
        "    if missing is not None and missing.field is None:\n",
        _OF_DETAILS,
    ),
    Fault(
        "R24: a policy for governance demands what no change to governance has",
        f"{GOVERNANCE}/change_conditions.py",
        "    if policy.resource_type in BUILT_IN_TYPES and _has",
        "    if not policy.resource_type and _has",
        _OF_DETAILS,
    ),
    Fault(
        "R25: the requester's own applier claims the change",
        f"{REQUESTS}/separate_operator.py",
        "    if operator == requester:\n",
        "    if operator == submission.requester:\n",
        _OF_DUTIES,
    ),
    Fault(
        "R25: approvals are forgotten at the release",
        f"{REQUESTS}/evolve.py",
        "return Released(submission, event.deadline, request.approvals)",
        "return Released(submission, event.deadline)",
        _OF_DUTIES,
    ),
    Fault(
        "R25: an applier of nobody known claims the change",
        f"{REQUESTS}/separate_operator.py",
        "    if operator is None or requester is None:\n",
        "    if requester is None:\n",
        _OF_DUTIES,
    ),
    Fault(
        "R25: one administrator alone sets an operator",
        f"{GOVERNANCE}/operators.py",
        "    why_approval=_why_approval,\n",
        "",
        _OF_DUTIES,
    ),
    Fault(
        "R26: a change from an older version is taken, though a policy refuses it",
        f"{REQUESTS}/base_version.py",
        "    if all(policy.stale_base",
        "    if any(policy.stale_base",
        _OF_VERSIONS,
    ),
    Fault(
        "R26: a version stays known after a change that named none",
        f"{REQUESTS}/object_versions.py",
        "        self._newest.pop(resource, None)\n        if version is None:\n            return\n",
        "        if version is None:\n            return\n        self._newest.pop(resource, None)\n",
        _OF_VERSIONS,
    ),
    Fault(
        "R26: versions of any number of objects are kept",
        f"{REQUESTS}/object_versions.py",
        "        if len(self._newest) > OBJECTS_MAX:",
        "        if len(self._newest) < 0:",
        _OF_VERSIONS,
    ),
    Fault(
        "R27: a change is released before its window",
        f"{REQUESTS}/window.py",
        "    if at < submission.not_before:\n",
        "    if at < submission.not_before // 2:\n",
        _OF_WINDOWS,
    ),
    Fault(
        "R27: a change is claimed in a freeze period",
        f"{REQUESTS}/claim.py",
        "not_yet(request.submission, context.governance, context.at) or ",
        "",
        _OF_WINDOWS,
    ),
    Fault(
        "R27: whatever calls itself an emergency passes a freeze period",
        f"{REQUESTS}/window.py",
        "        if submission.emergency and policy.emergency_passes_freeze:",
        "        if submission.emergency:",
        _OF_WINDOWS,
    ),
    Fault(
        "R27: a request outlives its window",
        f"{REQUESTS}/approvers.py",
        "    return min(max(at, not_before) + limit_ms, not_after)",
        "    return max(at, not_before) + limit_ms",
        _OF_WINDOWS,
    ),
    Fault(
        "R24: a text of any length is kept for ever",
        f"{CONTRACTS}/change_detail_limits.py",
        "    bad = bad_text(name, text, max_chars)\n",
        "    bad = bad_text(name, text, 99 * max_chars)\n",
        _OF_DETAILS,
    ),
)
