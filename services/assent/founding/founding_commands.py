"""A governance file as the commands that found a log. Pure."""

from collections.abc import Iterator

from assent.founding.governance_file import GovernanceFile
from assent.founding.table_meaning import policy_of, settings_of
from assent_contracts.governance_changes import (
    AssignRole,
    ChangeSettings,
    CreatePolicy,
    DefineGroup,
    GovernanceChange,
    RegisterKey,
    RegisterPrincipal,
)
from assent_contracts.governance_messages import ChangeGovernance, CloseFounding, FoundLog, GovernanceCommand
from assent_contracts.governance_objects import Account, Founding, Group, RoleAssignment, SigningKey

FOUNDER = "founder"
"""The principal that the founding commands name; no account has this id."""


def founding_commands(
    file: GovernanceFile, founding: Founding, made_keys: dict[str, SigningKey], at_ms: int
) -> Iterator[GovernanceCommand]:
    """The commands, in the order in which they must be decided. Raises GovernanceFileError.

    `made_keys`: keys made for principals that have none in the file, by principal id.
    """
    yield FoundLog(id=_id(0), principal=FOUNDER, at=at_ms, founding=founding)
    changes = list(_changes(file, made_keys))
    for number, change in enumerate(changes, 1):
        yield ChangeGovernance(id=_id(number), principal=FOUNDER, at=at_ms, change=change)
    yield CloseFounding(id=_id(len(changes) + 1), principal=FOUNDER, at=at_ms)


def _id(number: int) -> str:
    return f"founding-{number}"


def _changes(file: GovernanceFile, made_keys: dict[str, SigningKey]) -> Iterator[GovernanceChange]:
    yield ChangeSettings(settings=settings_of(file.settings))
    # An operator must be registered before the service that it runs.
    for row in sorted(file.principals, key=lambda row: row.operator is not None):
        account = Account(id=row.id, kind=row.kind, person=row.person, name=row.name, operator=row.operator)
        yield RegisterPrincipal(account=account)
    for row in file.keys:
        key = SigningKey(
            id=row.id,
            principal=row.principal,
            public_key=row.public_key,
            not_before=row.not_before,
            not_after=row.not_after,
        )
        yield RegisterKey(key=key)
    for key in made_keys.values():
        yield RegisterKey(key=key)
    for row in file.groups:
        yield DefineGroup(group=Group(id=row.id, name=row.name, members=row.members))
    for number, row in enumerate(file.roles):
        assignment = RoleAssignment(
            id=f"{row.role}-{number}",
            role=row.role,
            groups=row.groups,
            principals=row.principals,
            resource_types=row.resource_types,
        )
        yield AssignRole(assignment=assignment)
    for row in file.policies:
        yield CreatePolicy(policy=policy_of(row))
