"""Faults in the rules on requests, and in the identification of senders."""

from typing import Final

from tests.faults.fault import CORE, OF_REQUESTS, OF_SENDERS, REQUESTS, Fault


def _rule(breaks: str, file: str, old: str, new: str) -> Fault:
    return Fault(breaks, f"{REQUESTS}/{file}.py", old, new, OF_REQUESTS)


def _sender(breaks: str, file: str, old: str, new: str) -> Fault:
    return Fault(breaks, f"{CORE}/{file}.py", old, new, OF_SENDERS)


FAULTS: Final = (
    _rule(
        "R9: a requester approves their own request",
        "approvers",
        "    if principal.person == submission.person:\n",
        "    if principal.id == submission.requester and not principal.person:\n",
    ),
    _rule(
        "R4: anybody approves",
        "approvers",
        '    return refuse(RefusalCode.NOT_AN_APPROVER, "R4:',
        '    return None and refuse(RefusalCode.NOT_AN_APPROVER, "R4:',
    ),
    _rule(
        "R4: a service approves",
        "approvers",
        "    if principal.person is None:\n        return refuse(RefusalCode.NOT_AN_APPROVER",
        "    if principal.person is None and not principal.enabled:\n"
        "        return refuse(RefusalCode.NOT_AN_APPROVER",
    ),
    _rule(
        "a quorum counts accounts, not people",
        "approvers",
        "                approval.person\n                for approval",
        "                approval.approver\n                for approval",
    ),
    _rule(
        "one approval fewer than the quorum is enough",
        "approvers",
        "if len(people) < max(rule.quorum, 1):",
        "if len(people) < rule.quorum - 1:",
    ),
    _rule(
        "approvals of disabled accounts count",
        "approvers",
        "                and governance.principals[approval.approver].enabled\n",
        "",
    ),
    _rule(
        "approvals of former group members count",
        "approvers",
        "                if approval.approver in eligible\n",
        "                if approval.approver in governance.principals\n",
    ),
    _rule(
        "a person's second account approves again",
        "approvers",
        "        if each.person == person:\n            return True\n"
        "    return False\n\n\ndef deleted_policy",
        "        if each.person == person + each.person:\n            return True\n"
        "    return False\n\n\ndef deleted_policy",
    ),
    _rule(
        "R14: an expired request is approved",
        "approve",
        "    if request.deadline <= context.at:\n",
        "    if request.deadline + 86_400_000 <= context.at:\n",
    ),
    _rule(
        "R23: an approval of other bytes counts",
        "submission_as_shown",
        "    if named == submission.sha256:\n",
        "    if named:\n",
    ),
    _rule(
        "R1: a request is released without approval",
        "complete",
        "    if not enough:\n",
        "    if not enough and not isinstance(request, NeedsApproval):\n",
    ),
    _rule(
        "R12: anybody completes",
        "complete",
        "    if request.submission.requester != context.principal.id:\n",
        "    if request.submission.requester != context.principal.id and not context.principal.enabled:\n",
    ),
    _rule(
        "R14: an expired request is completed",
        "complete",
        "    if request.deadline <= context.at:\n",
        "    if request.deadline + 86_400_000 <= context.at:\n",
    ),
    _rule(
        "R19: a request is released for a requester who lost the role",
        "requester",
        '        return None if governance.has_role(requester, "requester", kind) else',
        '        return None if governance.has_role(requester, "requester", kind) or requester else',
    ),
    _rule(
        "R10: a second request for an object is opened",
        "submit",
        "    if open_request is not None:\n",
        "    if open_request is not None and open_already > 2:\n",
    ),
    _rule(
        "R15: no quota on open requests",
        "submit",
        "    if open_already >= governance.settings.open_requests_max:\n",
        "    if open_already > governance.settings.open_requests_max:\n",
    ),
    _rule(
        "R3: anybody submits",
        "submit",
        '    if not governance.has_role(context.principal.id, "requester", kind):\n',
        '    if not governance.has_role(context.principal.id, "requester", kind) and not kind:\n',
    ),
    _rule(
        "R11: anybody cancels",
        "cancel",
        "    if request.submission.requester != context.principal.id:\n",
        "    if request.submission.requester != context.principal.id and not context.principal.enabled:\n",
    ),
    _rule(
        "R11: an approved request is canceled",
        "cancel",
        "                return _approved()\n            before",
        "                pass\n            before",
    ),
    _rule(
        "R13: an approver rejects what they approve",
        "reject",
        "    if has_spoken(person, approvals if before else request.approvals):\n",
        "    if has_spoken(person, ()):\n",
    ),
    _rule(
        "R13: another person's approval is revoked",
        "revoke",
        "if approval.person == person]",
        "if approval.person != person]",
    ),
    _rule(
        "R22: a claimed request is closed",
        "close",
        "        case Applying():\n            return refuse(\n",
        "        case Applying() if context.at < 0:\n            return refuse(\n",
    ),
    _rule(
        "R14: a deadline does not move with progress",
        "evolve",
        "return NeedsApproval(request.submission, approvals, request.rejections, event.deadline)\n"
        "        case RequestApproved",
        "return NeedsApproval(request.submission, approvals, request.rejections, request.deadline)\n"
        "        case RequestApproved",
    ),
    _rule(
        "a revoked approval stays",
        "evolve",
        "    return tuple(each for each in approvals if each.approver != approver)",
        "    return tuple(each for each in approvals if each.approver != approver or len(approvals) > 1)",
    ),
    _rule(
        "R14: a deadline that was moved expires a request",
        "partition_state",
        " or request.deadline != deadline:",
        ":",
    ),
    _rule(
        "an ended request holds its object",
        "partition_state",
        "            del self._open_by_resource[after.resource]\n",
        "            self._open_by_resource[after.resource] = seq\n",
    ),
    _rule(
        "requests of another partition are found",
        "partition_state",
        "        if position is None or position[0] != self.partition:\n            return None\n"
        "        request =",
        "        if position is None:\n            return None\n        request =",
    ),
    _rule(
        "R16: a decision on a request that changed since counts",
        "decide",
        "    if seen is UNSET or seen == last:\n",
        "    if seen is UNSET or seen <= last:\n",
    ),
    _rule(
        "a command in another partition is decided",
        "decide",
        "    if right == context.partition:\n",
        "    if right == context.partition or context.partition >= 0:\n",
    ),
    _rule(
        "an ended lease fails a request",
        "expire",
        'return OutcomeUnknown(request=request_id, cause="lease-ended")',
        "return RequestExpired(request=request_id)",
    ),
    _rule(
        "R3: anybody claims",
        "claim",
        '    if not context.governance.has_role(context.principal.id, "applier", kind):\n',
        '    if not context.governance.has_role(context.principal.id, "applier", kind) and not kind:\n',
    ),
    _rule(
        "R12: an applier reports on another one's claim",
        "report_outcome",
        "            if request.applier != context.principal.id:\n",
        "            if not request.applier:\n",
    ),
    _sender(
        "an invalid signature counts",
        "sender",
        "    if not good:\n",
        "    if not good and not key_id:\n",
    ),
    _sender(
        "a revoked key signs",
        "governance/principals_and_keys",
        "not self.revoked and ",
        "",
    ),
    _sender(
        "a key signs for another principal",
        "sender",
        "    if key.principal != principal:\n",
        "    if key.principal != principal and not key.principal:\n",
    ),
    _sender(
        "a disabled account acts",
        "sender",
        "    if sender.principal.enabled:\n",
        "    if sender.principal.id:\n",
    ),
    _sender(
        "a command of last week is decided",
        "sender",
        "    if age_ms > limits.COMMAND_MAX_AGE_MS or",
        "    if age_ms > 99 * limits.COMMAND_MAX_AGE_MS or",
    ),
    _sender(
        "the same command is decided again",
        "sender",
        "    if before is None:\n        return None\n    if before.value",
        "    if before is None or before.seq >= 0:\n        return None\n    if before.value",
    ),
    _sender(
        "an id is forgotten early, and its principal's time for it is over",
        "command_memory",
        "seq, value_sha256, dated, at + COMMAND_MEMORY_MS\n",
        "seq, value_sha256, dated, at + COMMAND_MEMORY_MS // 100\n",
    ),
    _sender(
        "a command of an unknown sender uses up an id",
        "sender",
        "        return decision.code not in TAKES_NO_ID\n",
        "        return bool(decision.code)\n",
    ),
    _sender(
        "an account without the role gateway signs for people",
        "sender",
        '        and governance.has_role(gateway.id, "gateway", resource_type(resource))\n',
        "",
    ),
)
