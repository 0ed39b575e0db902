"""Faults in claims, leases, and the settlement of unknown outcomes."""

from typing import Final

from tests.faults.fault import CONTRACTS, REQUESTS, Fault

_OF_CLAIMS: Final = ("tests/unit/test_claims.py", "tests/unit/test_settling.py")
_OF_EVIDENCE: Final = ("tests/unit/evidence/test_retried_releases.py",)


def _rule(breaks: str, file: str, old: str, new: str) -> Fault:
    return Fault(breaks, f"{REQUESTS}/{file}.py", old, new, _OF_CLAIMS)


def _evidence(breaks: str, file: str, old: str, new: str) -> Fault:
    return Fault(breaks, f"{CONTRACTS}/evidence/{file}.py", old, new, _OF_EVIDENCE)


FAULTS: Final = (
    _rule(
        "an old claim's report counts",
        "current_claim",
        "    if claim is UNSET or claim == _current(request):\n",
        "    if claim is UNSET or claim == _current(request) or isinstance(request, Applying):\n",
    ),
    _rule(
        "an old claim's report counts once the request has ended",
        "current_claim",
        "        case Applying() | Unsettled() | Closed():\n            return request.claim\n",
        "        case Applying() | Unsettled():\n            return request.claim\n"
        "        case Closed():\n            return None\n",
    ),
    _rule(
        "an administrator's report settles what their settlement could not",
        "report_outcome",
        "        forbidden = settler_refusal(request, context)\n",
        "        forbidden = None\n",
    ),
    _rule(
        "another applier renews the lease",
        "renew_lease",
        "    if request.applier != context.principal.id:\n",
        "    if not context.principal.id:\n",
    ),
    _rule(
        "an ended lease is renewed",
        "renew_lease",
        "    if request.deadline <= context.at:\n",
        "    if request.deadline + 1 <= context.at:\n",
    ),
    _rule(
        "a claim is held for ever",
        "renew_lease",
        "    deadline = min(context.at + context.governance.settings.lease_ms, longest)\n",
        "    deadline = context.at + context.governance.settings.lease_ms\n",
    ),
    _rule(
        "a renewal shortens a lease",
        "renew_lease",
        "            deadline=max(deadline, request.deadline),\n",
        "            deadline=deadline,\n",
    ),
    _rule(
        "anybody settles an unknown outcome",
        "settle",
        "    if not administers(submission, context):\n",
        "    if not administers(submission, context) and context.principal.person is None:\n",
    ),
    _rule(
        "R9: the requester settles their own request",
        "settle",
        "    if context.principal.person == submission.person:\n",
        "    if context.principal.id == submission.person:\n",
    ),
    _rule(
        "a gateway settles an unknown outcome where a policy wants people's own signatures",
        "settle",
        "    if context.through is not None and any(each.own_signature for each in terms):\n",
        "    if context.through is not None and all(each.own_signature for each in ()) is None:\n",
    ),
    _rule(
        "the applier's person settles what they did",
        "settle",
        "operating_person(governance, governance.principals[request.applier]) == context.principal.person",
        "request.applier == context.principal.person",
    ),
    _rule(
        "R1: a change is released again without its approvals",
        "settle",
        "    if not has_quorum(request.submission, terms, request.approvals, context.governance):\n",
        "    if not terms and not has_quorum(request.submission, terms, (), context.governance):\n",
    ),
    _rule(
        "R19: a change is released again for a requester who was disabled",
        "settle",
        "        requester_refusal(request.submission, context.governance)\n",
        "        None\n",
    ),
    _rule(
        "one person settles where two must",
        "settle",
        "        if each.outcome == command.outcome and each.person != context.principal.person\n",
        "        if each.outcome == command.outcome and each.administrator\n",
    ),
    _rule(
        "proposals with different outcomes settle it together",
        "settle",
        "        if each.outcome == command.outcome and each.person != context.principal.person\n",
        "        if each.person != context.principal.person\n",
    ),
    _rule(
        "a contrary proposal leaves the earlier ones",
        "evolve",
        "each for each in before if each.outcome == event.outcome and each.person != event.person",
        "each for each in before if each.person != event.person",
    ),
    _rule(
        "proposals of former administrators count",
        "settle",
        '        and governance.has_role(each.administrator, "administrator", kind)\n',
        "        and kind\n",
    ),
    _rule(
        "only the present policy says how many settle",
        "settle",
        "    return max((each.settlements for each in terms), default=1)\n",
        "    return terms[-1].settlements if terms else 1\n",
    ),
    _rule(
        "a report of one administrator settles where two must",
        "report_outcome",
        "    if request.applier != principal.id and settlements_needed(terms) > 1:\n",
        "    if request.applier != principal.id and settlements_needed(terms) > 2:\n",
    ),
    _evidence(
        "the writer ends a lease early",
        "repeated_decision",
        "    if state.deadline > record.at:\n",
        "    if state.deadline > record.at + 1:\n",
    ),
    _evidence(
        "claims need no signature",
        "requests_evidence",
        "            elif not isinstance(event, OfNoRequest):\n",
        '            elif not isinstance(event, OfNoRequest) and not hasattr(event, "applier"):\n',
    ),
    _evidence(
        "signatures of what follows a release are not checked",
        "repeated_decision",
        "    judged.is_checked = False\n",
        "    judged.is_checked = judged.released is not None\n",
    ),
)
