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
        "R29: the coordinator releases a change of a set once more after it was applied",
        _COORDINATION,
        "            allowed = member.hash in found.hashes and member.hash not in found.spent\n",
        "            allowed = member.hash in found.hashes\n",
        _OF_SETS,
    ),
    Fault(
        "R29: a change of a set is applied once more after it was applied",
        f"{CONTRACTS}/evidence/set_releases.py",
        "        found.waiting.discard(member)\n",
        "        found.waiting = {*found.waiting}\n",
        _OF_SETS,
    ),
    Fault(
        "R29: a member is applied although its set was not released",
        f"{CONTRACTS}/evidence/requests_evidence.py",
        "        if governance is None:\n            return UNCONFIRMED.format(part_of)\n",
        "        if governance is None:\n            return None\n",
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
        "        elif not found.is_whole and held >= found.hashes:\n",
        "        elif not found.is_whole and held:\n",
        _OF_SETS,
    ),
)
