"""The answer of governance to a change, in short: "" if it is made, otherwise the refusal's code."""

from typing import Any, Final

from assent_contracts.access_policies import Policy
from assent_contracts.core.governance.decide import decide_change
from assent_contracts.core.governance.state import Governance
from assent_contracts.governance_changes import (
    DIRECTORY,
    AssignRole,
    CreatePolicy,
    DefineGroup,
    GovernanceChange,
    RegisterKey,
    RegisterPrincipal,
    SyncDirectory,
    group_object,
)
from assent_contracts.governance_objects import (
    Account,
    DirectoryDifference,
    Group,
    Role,
    RoleAssignment,
    SigningKey,
)
from assent_contracts.refusals import Refusal
from tests.support.people import DAY_MS, START, change, force, open_founding, policy_of, public_key_of

BAD_IDS: Final = ("", "a b", "tab\there", "bell\a", "ümlaut", "@administrators", "@x", "i" * 129)
"""None of them names a new object."""
LONG_ID: Final = "i" * 128


def at_once(
    governance: Governance,
    principal: str,
    wanted: GovernanceChange,
    *,
    at: int = START,
    through: str | None = None,
) -> str:
    """The answer to a command of this account; it is applied unless it is refused."""
    refusal = change(governance, principal, wanted, at, through)
    return "" if refusal is None else refusal.code.value


def fits(governance: Governance, wanted: GovernanceChange, *, at: int = START) -> str:
    """The answer to a change that may be requested: nothing is applied."""
    decision = decide_change(governance, wanted, at)
    return decision.code.value if isinstance(decision, Refusal) else ""


def unprotected() -> Governance:
    """The organisation before its first policy, with its founding closed."""
    governance = open_founding(without=CreatePolicy)
    governance.founder = None
    return governance


def human(name: str, person: str | None = None) -> RegisterPrincipal:
    """Registers a human, `p-<name>` unless another person is named."""
    return RegisterPrincipal(account=Account(id=name, kind="human", person=person or f"p-{name}"))


def service(name: str) -> RegisterPrincipal:
    """Registers a service."""
    return RegisterPrincipal(account=Account(id=name, kind="service"))


def new_key(principal: str, name: str = "new-key", *, days: int = 400) -> RegisterKey:
    """Registers one more key for a principal, valid for this many days from the start."""
    return RegisterKey(
        key=SigningKey(
            id=name,
            principal=principal,
            public_key=public_key_of(name),
            not_before=START,
            not_after=START + days * DAY_MS,
        )
    )


def group_of(governance: Governance, name: str, *members: str) -> DefineGroup:
    """Defines a group, new or based on its current version."""
    return DefineGroup(group=Group(id=name, members=members), version=governance.version(group_object(name)))


def role_of(role: Role, *principals: str, name: str = "new-role", types: tuple[str, ...] = ()) -> AssignRole:
    """A new assignment of a role to principals."""
    return AssignRole(
        assignment=RoleAssignment(id=name, role=role, principals=principals, resource_types=types)
    )


def app_policy(name: str = "new", quorum: int = 1, *groups: str) -> Policy:
    """A policy for the type app, with the approvers unless groups are named."""
    return policy_of(name, "app", quorum, groups or ("approvers",))


def of_directory(name: str, person: str | None = None, *, title: str = "") -> Account:
    """A human as the directory defines them."""
    return Account(id=name, kind="human", person=person or f"p-{name}", name=title, source="directory")


def directory_group(name: str, *members: str, paths: dict[str, tuple[str, ...]] | None = None) -> Group:
    """A group as the directory defines it."""
    return Group(id=name, members=members, source="directory", paths=paths or {})


def sync(governance: Governance, **difference: Any) -> SyncDirectory:
    """A synchronisation based on the result of the last one."""
    return SyncDirectory(
        difference=DirectoryDifference(**difference),
        version=governance.version(DIRECTORY),
    )


def with_directory(governance: Governance, *names: str) -> Governance:
    """The same governance with these humans of the directory, who are also its group `staff`."""
    accounts = tuple(of_directory(name) for name in names)
    force(governance, sync(governance, accounts=accounts, groups=(directory_group("staff", *names),)))
    return governance
