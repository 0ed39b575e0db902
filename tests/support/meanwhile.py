"""What changes in governance while a story goes on, each in one call: as releases make it, if it fits."""

from assent_contracts import governance_changes as g
from assent_contracts.access_policies import Policy
from assent_contracts.core.governance.state import Governance
from assent_contracts.governance_objects import Account, Group, RoleAssignment
from tests.support.people import force, key_of

PORTAL = "portal"
"""A service that signs for people."""


def disable(governance: Governance, principal: str) -> None:
    """The account can do nothing any more."""
    force(governance, g.DisablePrincipal(principal=principal))


def enable(governance: Governance, principal: str) -> None:
    """The account can act again."""
    force(governance, g.EnablePrincipal(principal=principal))


def define(governance: Governance, group: str, *members: str) -> None:
    """These are the group's members, all of them."""
    version = governance.version(g.group_object(group))
    force(governance, g.DefineGroup(group=Group(id=group, members=members), version=version))


def create(governance: Governance, policy: Policy) -> None:
    """There is one more policy."""
    force(governance, g.CreatePolicy(policy=policy))


def edit(governance: Governance, policy: Policy) -> None:
    """The policy is this from now on."""
    force(governance, g.EditPolicy(policy=policy, version=_version(governance, policy.id)))


def delete(governance: Governance, policy: str) -> None:
    """The policy is gone."""
    force(governance, g.DeletePolicy(policy=policy, version=_version(governance, policy)))


def add_gateway(governance: Governance, *resource_types: str) -> None:
    """PORTAL has a key, `portal-key`, and the role gateway for these types; for all when none is named."""
    force(governance, g.RegisterPrincipal(account=Account(id=PORTAL, kind="service")))
    force(governance, g.RegisterKey(key=key_of(PORTAL)))
    assignment = RoleAssignment(
        id="r-gateway", role="gateway", principals=(PORTAL,), resource_types=resource_types
    )
    force(governance, g.AssignRole(assignment=assignment))


def _version(governance: Governance, policy: str) -> int:
    version = governance.version(g.policy_object(policy))
    assert version is not None, policy
    return version
