"""Faults in sets of changes."""

from typing import Final

from tests.faults.fault import CONTRACTS, REQUESTS, Fault

_OF_SETS: Final = ("tests/unit/test_sets.py",)
_COORDINATION: Final = f"{CONTRACTS}/core/set_coordination.py"

FAULTS: Final = (
    Fault(
        "R29: a set is approved before all its members hold their locks",
        f"{REQUESTS}/sets.py",
        "        case Approve() | Reject() | Complete() if not request.submission.is_whole:\n",
        "        case Reject() | Complete() if not request.submission.is_whole:\n",
        _OF_SETS,
    ),
    Fault(
        "R29: a requester completes a member without its set",
        f"{REQUESTS}/sets.py",
        "    if not isinstance(command, Cancel | Complete) or _not_a_gateway("
        "context, submission.resource):\n",
        "    if not isinstance(command, Cancel | Complete):\n",
        _OF_SETS,
    ),
    Fault(
        "R29: anyone confirms a set",
        f"{REQUESTS}/sets.py",
        '    if principal.person is None and context.governance.has_role(principal.id, "gateway", kind):\n',
        "    if principal.id and kind:\n",
        _OF_SETS,
    ),
    Fault(
        "R29: a member expires before the window of its set is over",
        f"{REQUESTS}/sets.py",
        "        return command.not_after + limits.SET_MEMBER_GRACE_MS\n",
        "        return deadline\n",
        _OF_SETS,
    ),
    Fault(
        "R29: a set waits for its members for ever",
        f"{REQUESTS}/sets.py",
        "        return min(deadline, at + limits.SET_CONFIRM_MS)\n",
        "        return deadline\n",
        _OF_SETS,
    ),
    Fault(
        "R29: what a set lists of a member is its object alone",
        f"{CONTRACTS}/set_members.py",
        "    return hashlib.sha256(encode((common, member))).digest()\n",
        "    return hashlib.sha256(encode(member.resource)).digest()\n",
        _OF_SETS,
    ),
    Fault(
        "R29: a member is applied although its set was not released",
        f"{CONTRACTS}/evidence/requests_evidence.py",
        "        return allowed if isinstance(allowed, str) else self._governance.lacking(allowed)\n",
        "        return None if isinstance(allowed, str) else self._governance.lacking(allowed)\n",
        _OF_SETS,
    ),
    Fault(
        "R29: the members of a canceled set stay locked",
        _COORDINATION,
        "            elif found.is_ended or not listed:\n",
        "            elif not listed:\n",
        _OF_SETS,
    ),
    Fault(
        "R29: a set is confirmed although a member is missing",
        _COORDINATION,
        "        elif not found.is_whole and self._held(found) >= found.hashes:\n",
        "        elif not found.is_whole and self._held(found):\n",
        _OF_SETS,
    ),
    Fault(
        "R1, R29: a member that is submitted again is released again",
        _COORDINATION,
        "            listed = self._is_listed(found, member) and member.hash not in found.used\n",
        "            listed = self._is_listed(found, member)\n",
        _OF_SETS,
    ),
    Fault(
        "R1, R29: a set's release counts for every release of a change that it lists",
        f"{CONTRACTS}/evidence/set_releases.py",
        "        first = found.requests.get(member, request)\n",
        "        first = request\n",
        _OF_SETS,
    ),
    Fault(
        "R29: a member of a set that never comes holds its lock for weeks",
        _COORDINATION,
        "            if member.is_released or (is_unread and not self._is_past(name, member)):\n",
        "            if member.is_released or is_unread:\n",
        _OF_SETS,
    ),
    Fault(
        "R29: a set counts a member that another coordinator may have freed",
        _COORDINATION,
        "        return member.hash in found.hashes and found.at <= member.at + SET_CONFIRM_MS\n",
        "        return member.hash in found.hashes\n",
        _OF_SETS,
    ),
    Fault(
        "R29: a set is called canceled while its members may be applied",
        f"{REQUESTS}/close.py",
        "            if _has_open_members(request.submission, context.at):\n",
        "            if request.submission.seq < 0:\n",
        _OF_SETS,
    ),
    Fault(
        "R1, R29: a gateway alone releases a member where own signatures are required",
        f"{REQUESTS}/sets.py",
        "    if any(each.own_signature for each in terms):\n        return refuse(\n",
        "    if not terms:\n        return refuse(\n",
        _OF_SETS,
    ),
    Fault(
        "R1, R29: the audit takes two releases of a member for one",
        "services/assent/verify/set_confirmation.py",
        "        del waiting[0]  # the first release counts",
        "        waiting.clear()  # the first release counts",
        ("tests/unit/verify/test_members_of_sets.py",),
    ),
    Fault(
        "R29: an applier claims a set that a stranger offers",
        f"{CONTRACTS}/client/applier_steps.py",
        "    if not found.is_for_appliers:\n",
        "    if not found.resource:\n",
        ("tests/unit/applier/test_steps.py",),
    ),
)
