"""A governance file as the commands that found a log. Pure."""

from collections.abc import Iterator
from typing import Any

from assent.founding.file import GovernanceFile, GovernanceFileError, settings_of
from assent_contracts.governance import (
    Account,
    AssignRole,
    ChangeSettings,
    CloseFounding,
    CreatePolicy,
    DefineGroup,
    Founding,
    FoundLog,
    GovernanceCommand,
    Group,
    Policy,
    RegisterKey,
    RegisterPrincipal,
    RoleAssignment,
    SigningKey,
)

FOUNDER = "founder"
"""The principal that the founding commands name; no account has this id."""


def founding_commands(
    file: GovernanceFile, founding: Founding, made_keys: dict[str, SigningKey], at_ms: int
) -> Iterator[GovernanceCommand]:
    """The commands in the order in which they must be decided. Raises GovernanceFileError.

    `made_keys`: keys that were made for principals (by id) that have none in the file.
    """
    for number, command in enumerate(_unnumbered(file, founding, made_keys, at_ms)):
        yield _numbered(command, number)


def _numbered(command: GovernanceCommand, number: int) -> GovernanceCommand:
    fields = {name: getattr(command, name) for name in command.__struct_fields__}
    return type(command)(**{**fields, "id": f"founding-{number}"})


def _unnumbered(
    file: GovernanceFile, founding: Founding, made_keys: dict[str, SigningKey], at: int
) -> Iterator[GovernanceCommand]:
    who: dict[str, Any] = {"id": "", "principal": FOUNDER, "at": at}
    yield FoundLog(**who, founding=founding)
    yield ChangeSettings(**who, settings=settings_of(file.settings))
    for row in file.principals:
        if row.id == FOUNDER:
            msg = f"principals: {FOUNDER!r} is reserved."
            raise GovernanceFileError(msg)
        account = Account(id=row.id, kind=row.kind, person=row.person, name=row.name)
        yield RegisterPrincipal(**who, account=account)
    for row in file.keys:
        key = SigningKey(
            id=row.id,
            principal=row.principal,
            public_key=row.public_key,
            not_before=row.not_before,
            not_after=row.not_after,
        )
        yield RegisterKey(**who, key=key)
    for key in made_keys.values():
        yield RegisterKey(**who, key=key)
    for row in file.groups:
        yield DefineGroup(**who, group=Group(id=row.id, name=row.name, members=row.members))
    for number, row in enumerate(file.roles):
        assignment = RoleAssignment(
            id=f"{row.role}-{number}",
            role=row.role,
            groups=row.groups,
            principals=row.principals,
            resource_types=row.resource_types,
        )
        yield AssignRole(**who, assignment=assignment)
    for row in file.policies:
        policy = Policy(
            id=row.id,
            name=row.name,
            description=row.description,
            resource_type=row.resource_type,
            groups=row.approver_groups,
            quorum=row.quorum,
        )
        yield CreatePolicy(**who, policy=policy)
    yield CloseFounding(**who)
