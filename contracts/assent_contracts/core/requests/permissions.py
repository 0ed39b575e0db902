"""What an account can do to a request now, and who could approve it. Pure.

Nothing is decided here. The rules are asked, so each answer is the one that a command would get.
"""

from typing import Any, Final

from assent_contracts.commands import ACTIONS, Action, Settlement
from assent_contracts.core.governance.principals_and_keys import Principal
from assent_contracts.core.governance.signing_ability import gateway_for, has_key
from assent_contracts.core.governance.state import Governance
from assent_contracts.core.requests.approvers import standing_terms
from assent_contracts.core.requests.decide import RequestCommand, RequestDecision, decide_on
from assent_contracts.core.requests.decision_context import Context
from assent_contracts.core.requests.states import Approved, NeedsApproval, Open, Unsettled
from assent_contracts.core.sender import Sender, not_current
from assent_contracts.events import ChangeReleased
from assent_contracts.refusals import Refusal, RefusalCode
from assent_contracts.resources import resource_type

SETTLEMENTS: Final[tuple[Settlement, ...]] = ("succeeded", "failed", "retry")
"""In the order in which people are offered them."""
Deciding = NeedsApproval | Approved
"""The states in which approvals count."""


def possible_actions(
    request: Open, governance: Governance, principal: Principal, at: int, *, through: str | None
) -> frozenset[Action]:
    """The actions that would be accepted at log time `at` (ms). `through`: the gateway that would sign."""
    return frozenset(
        action
        for action in ACTIONS
        if is_possible(action, request, governance, principal, at, through=through)
    )


def is_possible(
    action: Action,
    request: Open,
    governance: Governance,
    principal: Principal,
    at: int,
    *,
    through: str | None,
) -> bool:
    """Whether one action would be accepted. A completion that would only reopen the request is not."""
    if not principal.enabled:
        return False
    if action == "settle":
        return bool(possible_settlements(request, governance, principal, at, through=through))
    answer = _answer(action, request, governance, principal, at, through)
    if isinstance(answer, Refusal):
        return False
    return action != "complete" or any(isinstance(each, ChangeReleased) for each in answer)


def possible_settlements(
    request: Open, governance: Governance, principal: Principal, at: int, *, through: str | None
) -> tuple[Settlement, ...]:
    """How this account could settle the unknown outcome at log time `at` (ms); empty if it could not."""
    if not principal.enabled or not isinstance(request, Unsettled):
        return ()
    return tuple(
        outcome
        for outcome in SETTLEMENTS
        if settlement_refusal(outcome, request, governance, principal, at, through=through) is None
    )


def settlement_refusal(
    outcome: Settlement,
    request: Open,
    governance: Governance,
    principal: Principal,
    at: int,
    *,
    through: str | None,
) -> Refusal | None:
    """The refusal that this account would get if it settled the request so; None if it would be accepted."""
    answer = _answer("settle", request, governance, principal, at, through, outcome=outcome)
    return answer if isinstance(answer, Refusal) else None


def able_to_settle(
    request: Unsettled, governance: Governance, at: int, among: frozenset[str] | None = None
) -> tuple[str, ...]:
    """The accounts that could settle the unknown outcome at log time `at` (ms), in the order of their ids.

    `among`: only these accounts are considered; None for all.
    """
    kind = resource_type(request.submission.resource)
    named = governance.holders("administrator", kind)
    if among is not None:
        named &= among
    return tuple(name for name in sorted(named) if _could_settle(request, name, governance, at))


def _could_settle(request: Unsettled, principal: str, governance: Governance, at: int) -> bool:
    found = governance.principals[principal]
    signer = _signer(request, found, governance, at)
    if isinstance(signer, Refusal):
        return False
    return bool(possible_settlements(request, governance, found, at, through=signer))


def approval_refusal(
    request: Open, governance: Governance, principal: Principal, at: int, *, through: str | None
) -> Refusal | None:
    """The refusal that this account's approval would get at log time `at` (ms); None if it would count."""
    answer = _answer("approve", request, governance, principal, at, through)
    return answer if isinstance(answer, Refusal) else None


def able_to_approve(
    request: Deciding, governance: Governance, at: int, among: frozenset[str] | None = None
) -> tuple[str, ...]:
    """The accounts whose approval would be accepted at log time `at` (ms), in the order of their ids.

    `among`: only these accounts are considered; None for all.
    """
    terms = standing_terms(request.submission, governance)
    named = frozenset[str]().union(
        *(governance.members_of_any(rule.groups) for each in terms for rule in each.rules)
    )
    if among is not None:
        named &= among
    return tuple(name for name in sorted(named) if why_not(request, name, governance, at) is None)


def why_not(request: Deciding, principal: str, governance: Governance, at: int) -> Refusal | None:
    """The refusal that this account's approval would get, signed by any key that could; None if none."""
    found = governance.principals.get(principal)
    if found is None:
        return Refusal(code=RefusalCode.UNKNOWN_OBJECT, detail=f"There is no principal {principal[:128]!r}.")
    signer = _signer(request, found, governance, at)
    if isinstance(signer, Refusal):
        return signer
    return approval_refusal(request, governance, found, at, through=signer)


def _signer(request: Open, account: Principal, governance: Governance, at: int) -> str | Refusal | None:
    """The gateway that would sign for this account, None if its own key would; the refusal if none could."""
    stale = not_current(Sender(account), at, at)
    if stale is not None:
        return stale
    if has_key(governance, account.id, at):
        return None
    through = gateway_for(governance, resource_type(request.submission.resource), at)
    if through is None and account.person is not None:
        return Refusal(
            code=RefusalCode.UNKNOWN_KEY,
            detail=f"{account.id} has no key that is valid now, and no gateway could sign for them.",
        )
    return through


def _answer(
    action: Action,
    request: Open,
    governance: Governance,
    principal: Principal,
    at: int,
    through: str | None,
    *,
    outcome: Settlement = "failed",
) -> RequestDecision:
    submission = request.submission
    context = Context(0, submission.seq + 1, at, governance, principal, b"", through)
    return decide_on(request, 0, _command(action, request, principal, at, outcome), context)


def _command(
    action: Action, request: Open, principal: Principal, at: int, outcome: Settlement
) -> RequestCommand:
    kind = ACTIONS[action]
    fields: dict[str, Any] = {
        "id": "asked",
        "principal": principal.id,
        "at": at,
        "resource": request.submission.resource,
        "request": "0-0",
        "submission": request.submission.sha256,
        "reason": "asked",
        "outcome": outcome,
    }
    return kind(**{name: value for name, value in fields.items() if name in kind.__struct_fields__})
