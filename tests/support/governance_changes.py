"""Changes to governance during a story, each in one call, made as releases make them. They must fit."""

from assent_contracts import governance_changes as g
from assent_contracts.access_policies import Policy
from assent_contracts.core.governance.state import Governance
from assent_contracts.governance_objects import Account, Group, RoleAssignment
from tests.support.people import force, key_of

PORTAL = "portal"
"""A service that signs for people."""
RECONCILER = "reconciler"
"""A service that reports findings."""


def disable(governance: Governance, principal: str) -> None:
    """The account can do nothing any more."""
    force(governance, g.DisablePrincipal(principal=principal))


def enable(governance: Governance, principal: str) -> None:
    """The account can act again."""
    force(governance, g.EnablePrincipal(principal=principal))


def define(governance: Governance, group: str, *members: str) -> None:
    """These are all members of the group."""
    version = governance.version(g.group_object(group))
    force(governance, g.DefineGroup(group=Group(id=group, members=members), version=version))


def create(governance: Governance, policy: Policy) -> None:
    """Adds a policy."""
    force(governance, g.CreatePolicy(policy=policy))


def edit(governance: Governance, policy: Policy) -> None:
    """Replaces the policy."""
    force(governance, g.EditPolicy(policy=policy, version=_version(governance, policy.id)))


def delete(governance: Governance, policy: str) -> None:
    """Deletes the policy."""
    force(governance, g.DeletePolicy(policy=policy, version=_version(governance, policy)))


def add_gateway(governance: Governance, *resource_types: str) -> None:
    """PORTAL has a key, `portal-key`, and the role gateway for these types, or for all if none is given."""
    force(governance, g.RegisterPrincipal(account=Account(id=PORTAL, kind="service")))
    force(governance, g.RegisterKey(key=key_of(PORTAL)))
    assignment = RoleAssignment(
        id="r-gateway", role="gateway", principals=(PORTAL,), resource_types=resource_types
    )
    force(governance, g.AssignRole(assignment=assignment))


def add_reconciler(governance: Governance, name: str = RECONCILER, *resource_types: str) -> None:
    """A service with a key and the role reconciler for these types, or for all if none is given."""
    force(governance, g.RegisterPrincipal(account=Account(id=name, kind="service")))
    force(governance, g.RegisterKey(key=key_of(name)))
    assignment = RoleAssignment(
        id=f"r-{name}", role="reconciler", principals=(name,), resource_types=resource_types
    )
    force(governance, g.AssignRole(assignment=assignment))


def _version(governance: Governance, policy: str) -> int:
    version = governance.version(g.policy_object(policy))
    assert version is not None, policy
    return version
