"""What a founder does while the founding is open. Each function returns the refusal's code or None."""

import msgspec

from assent_contracts import governance_changes as c
from assent_contracts.access_policies import ApprovalRule
from assent_contracts.core.governance.state import Governance
from assent_contracts.governance_messages import ChangeGovernance, CloseFounding, GovernanceCommand
from assent_contracts.governance_objects import Group
from assent_contracts.refusals import RefusalCode
from tests.support.people import (
    START,
    govern,
    key_of,
    policy_of,
    public_key_of,
)

CLOSE = CloseFounding(id="g", principal="founder", at=START)
POLICY = policy_of("new", "app")


def answer(governance: Governance, command: GovernanceCommand) -> RefusalCode | None:
    """Any command."""
    refusal = govern(governance, command)
    return None if refusal is None else refusal.code


def set_up(governance: Governance, change: c.GovernanceChange) -> RefusalCode | None:
    """Any change."""
    return answer(governance, ChangeGovernance(id="g", principal="founder", at=START, change=change))


def create(
    governance: Governance, *, groups: tuple[str, ...] = ("approvers",), quorum: int = 1, **fields: object
) -> RefusalCode | None:
    """The policy `new`, with one rule and other fields than POLICY's."""
    rules = (ApprovalRule(quorum=quorum, groups=groups),)
    policy = msgspec.structs.replace(POLICY, **{"approvals": rules, **fields})
    return set_up(governance, c.CreatePolicy(policy=policy))


def define(governance: Governance, group: Group) -> RefusalCode | None:
    """A group, whether or not it exists already."""
    version = governance.version(c.group_object(group.id))
    return set_up(governance, c.DefineGroup(group=group, version=version))


def add_key(governance: Governance, **fields: object) -> RefusalCode | None:
    """The key `new-key` of mallory's, with other fields."""
    key = msgspec.structs.replace(key_of("mallory"), id="new-key", public_key=public_key_of("new"))
    return set_up(governance, c.RegisterKey(key=msgspec.structs.replace(key, **fields)))
