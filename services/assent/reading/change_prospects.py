"""What would happen to a change if it were sent now, by the core's rules and the followed governance."""

from typing import Any

import msgspec

from assent_contracts.access_policies import PolicyTerms
from assent_contracts.codec import decode_command, encode
from assent_contracts.commands import SubmitChange
from assent_contracts.core.governance.change_kinds import change_difference, change_operation, change_sentence
from assent_contracts.core.governance.change_permissions import why_approval
from assent_contracts.core.governance.decide import decide_at_once
from assent_contracts.core.governance.field_changes import FieldChange
from assent_contracts.core.governance.policies import rule_words, terms_sentence
from assent_contracts.core.governance.state import Governance
from assent_contracts.core.requests.decision_context import Context
from assent_contracts.core.requests.submit import decide_submit
from assent_contracts.core.sender import Sender, not_current
from assent_contracts.events import ChangeSubmitted
from assent_contracts.governance_changes import (
    GovernanceChange,
    object_of,
)
from assent_contracts.governance_messages import ChangeGovernance
from assent_contracts.refusals import Refusal, RefusalCode

PLACEHOLDER = "as the dry run found it"
"""The justification in a dry run, which needs none yet."""


class Prospect(msgspec.Struct, frozen=True, kw_only=True):
    """A change as it would be decided now."""

    change: GovernanceChange
    object: str
    sentence: str
    difference: tuple[FieldChange, ...]
    why_approval: str | None
    """Why a second administrator must approve; None if it takes effect at once."""
    terms: tuple[PolicyTerms, ...] = ()
    """What its request would require."""
    asks: tuple[str, ...] = ()
    """The same in sentences."""
    approvers: tuple[str, ...] = ()
    """In words: `1 of the administrators (3 people)`."""
    refusal: Refusal | None = None

    @property
    def works_at_once(self) -> bool:
        """R3, R15, R18: whether the change itself is sent. If not, a request for it is: see `request_for`."""
        return self.why_approval is None


def foresee(
    governance: Governance, change: GovernanceChange, principal: str, at: int, *, through: str | None = None
) -> Prospect:
    """What this principal's change would lead to at log time `at` (ms), signed with their own key.

    `through`: the gateway that signs on their behalf instead.
    """
    prospect = Prospect(
        change=change,
        object=object_of(change),
        sentence=change_sentence(change, governance),
        difference=change_difference(change, governance),
        why_approval=why_approval(governance, change, principal, through),
    )
    found = governance.principals.get(principal)
    if found is None:
        refusal = Refusal(code=RefusalCode.UNKNOWN_KEY, detail=f"There is no principal {principal!r}.")
        return msgspec.structs.replace(prospect, refusal=refusal)
    disabled = not_current(Sender(found), at, at)
    if disabled is not None:
        return msgspec.structs.replace(prospect, refusal=disabled)
    if prospect.works_at_once:
        command = ChangeGovernance(id="dry-run", principal=principal, at=at, change=change)
        answer = decide_at_once(governance, command, at, through=through)
        return msgspec.structs.replace(prospect, refusal=answer if isinstance(answer, Refusal) else None)
    return _foresee_request(prospect, governance, Context(0, 0, at, governance, found, b""))


def _foresee_request(prospect: Prospect, governance: Governance, context: Context) -> Prospect:
    fields = {"id": "dry-run", "principal": context.principal.id, "at": context.at}
    command = request_for(prospect.change, PLACEHOLDER, fields)
    answer = command if isinstance(command, Refusal) else decide_submit(None, 0, command, context)
    if isinstance(answer, Refusal):
        return msgspec.structs.replace(prospect, refusal=answer)
    submitted = answer[0]
    assert isinstance(submitted, ChangeSubmitted)
    return msgspec.structs.replace(
        prospect,
        terms=submitted.terms,
        asks=tuple(terms_sentence(each, governance) for each in submitted.terms),
        approvers=tuple(rule_words(rule, governance) for each in submitted.terms for rule in each.rules),
    )


def request_for(
    change: GovernanceChange, justification: str, fields: dict[str, Any]
) -> SubmitChange | Refusal:
    """The command that asks a second administrator for the change, or the refusal of a malformed one.

    `fields`: its id, principal and at.
    """
    command = submission(change, justification, fields)
    read = decode_command(encode(command))
    return read if isinstance(read, Refusal) else command


def submission(change: GovernanceChange, justification: str, fields: dict[str, Any]) -> SubmitChange:
    """The change as a request for its object. `fields`: the command's id, principal and at."""
    return SubmitChange(
        **fields,
        resource=object_of(change),
        operation=change_operation(change),
        justification=justification,
        payload=msgspec.Raw(encode(change)),
    )
