"""`assent who-can approve` and `assent explain`."""

import asyncio
from typing import Any

from assent.cli import output
from assent.cli.lapses import LAPSES
from assent.cli.options import Options
from assent.cli.reach import reach
from assent.cli.standing import standing
from assent.cli.tables import print_table
from assent.core.governance.sentences import rule_words
from assent.core.governance.state import Governance
from assent.core.requests.approvers import standing_terms
from assent.core.requests.explain import Deciding, Explanation, RuleStands, able_to_approve, explain, why_not
from assent.core.requests.states import Approved, NeedsApproval, Request
from assent.store.queries import RequestView
from assent_contracts.client.publisher import now_ms
from assent_contracts.policies import ADMINISTRATORS, ApprovalRule
from assent_contracts.refusals import WHAT_TO_DO


def who_can_approve(request: str, *, options: Options) -> None:
    """`assent who-can approve`."""
    row, state, governance = asyncio.run(standing(reach(options), request))
    able = able_to_approve(state, governance, now_ms()) if isinstance(state, Deciding) else ()
    rows = [_approver(name, state, governance) for name in able]
    if options.json:
        output.print_json({"request": row.id, "status": row.status, "can_approve": rows})
        return
    print_table(
        ("account", "person", "name", "through"),
        ((each["principal"], each["person"], each["name"], ", ".join(each["groups"])) for each in rows),
        empty=f"Nobody can approve {row.id} now ({row.status}). `assent explain {row.id}` says why.",
    )


def _approver(name: str, state: Request, governance: Governance) -> dict[str, Any]:
    account = governance.principals[name].account
    assert isinstance(state, Deciding)
    rules = named_groups(state, governance)
    groups = [group for group in rules if name in governance.members(group)]
    return {"principal": name, "person": account.person, "name": account.name, "groups": groups}


def named_groups(state: Deciding, governance: Governance) -> tuple[str, ...]:
    """The groups that the policies of a request name, each once."""
    terms = standing_terms(state.submission, governance)
    return tuple(dict.fromkeys(group for each in terms for rule in each.rules for group in rule.groups))


def explain_request(request: str, *, principal: str | None, options: Options) -> None:
    """`assent explain`."""
    row, state, governance = asyncio.run(standing(reach(options), request))
    explained = explain(state, governance, now_ms()) if isinstance(state, Deciding) else None
    if options.json:
        output.print_json(_document(row, state, governance, explained, principal))
        return
    output.say(f"Request {row.id}, {row.operation} {row.resource} by {row.requester}: {_status(row)}.")
    if explained is not None:
        _say(row, explained, governance)
    if principal is not None:
        output.say(_about(principal, state, governance))


def _document(
    row: RequestView,
    state: Request,
    governance: Governance,
    explained: Explanation | None,
    principal: str | None,
) -> dict[str, Any]:
    document: dict[str, Any] = {"request": row.id, "status": row.status, "explanation": explained}
    if principal is not None and isinstance(state, Deciding):
        refusal = why_not(state, principal, governance, now_ms())
        what = None if refusal is None else WHAT_TO_DO[refusal.code]
        document["for"] = {
            "principal": principal,
            "can_approve": refusal is None,
            "refusal": refusal,
            "what_to_do": what,
        }
    elif principal is not None:
        document["for"] = {"principal": principal, "can_approve": False, "refusal": None, "what_to_do": None}
    return document


def _status(row: RequestView) -> str:
    progress = f", {row.progress}" if row.progress else ""
    return row.status.replace("_", " ") + progress


def _say(row: RequestView, explained: Explanation, governance: Governance) -> None:
    for rule in explained.rules:
        output.say(f"  {_rule(rule, governance)}")
    for each in explained.lapsing:
        output.say(f"  The approval of {each.approver}, who {LAPSES[each.reason]}, counts no more.")
    if explained.rejections:
        given = ", ".join(each.approver for each in explained.rejections)
        output.say(f"  Rejected by {given}: {explained.rejections_needed} people would end it.")
    if explained.deleted_policy is not None:
        output.say(
            f"  Policy {explained.deleted_policy}, which it was submitted under, is deleted: it can never be"
            " approved. Cancel it and submit the change again."
        )
    elif explained.has_quorum:
        output.say(f"Nothing is missing: {row.requester} can `assent complete {row.id}`.")
    elif any(rule.missing > len(rule.can_approve) for rule in explained.rules):
        output.say("There are not enough people left who could approve it: an administrator must add some.")
    else:
        output.say(f"Missing: approvals. `assent who-can approve {row.id}` lists who can give them.")


def _rule(rule: RuleStands, governance: Governance) -> str:
    asked = rule_words(ApprovalRule(quorum=rule.quorum, groups=rule.groups), governance)
    policy = "changes to governance" if rule.policy == ADMINISTRATORS else f"policy {rule.policy}"
    since = " (as it says since the request was submitted)" if rule.changed_since else ""
    given = f"; given by {', '.join(rule.given)}" if rule.given else ""
    missing = f"{rule.missing} missing" if rule.missing else "met"
    able = f", {', '.join(rule.can_approve)} can" if rule.missing and rule.can_approve else ""
    return f"{policy}{since}: {asked}{given}: {missing}{able}."


def _about(principal: str, state: Request, governance: Governance) -> str:
    if not isinstance(state, (NeedsApproval, Approved)):
        return f"{principal} cannot approve it: there is nothing to approve any more."
    refusal = why_not(state, principal, governance, now_ms())
    if refusal is None:
        return f"{principal} can approve it."
    return f"{principal} cannot approve it: {refusal.code}. {refusal.detail} {WHAT_TO_DO[refusal.code]}"
