"""Commands about groups and their members."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import App, Parameter

from assent.cli import output
from assent.cli.options import (
    DEFAULT_ACCESS,
    DEFAULT_CHANGE_OPTIONS,
    DEFAULT_OPTIONS,
    AccessOptions,
    ChangeOptions,
    Options,
)

if TYPE_CHECKING:
    from assent_contracts.core.governance.state import Governance
    from assent_contracts.governance_changes import GovernanceChange

groups = App(name="groups", group="Governance", help="Groups and their members.")

GroupId = Annotated[str, Parameter(help="The group's id.")]
Names = Annotated[tuple[str, ...], Parameter(negative="", show_default=False)]


@groups.command(name="list")
def list_groups(*, access: AccessOptions = DEFAULT_ACCESS, options: Options = DEFAULT_OPTIONS) -> None:
    """List all groups."""
    from assent.cli.connection.log_selection import governance_now
    from assent.cli.governance_tables import print_table

    governance = governance_now(access, options)
    if options.json:
        output.print_json([*governance.groups.values()])
        return
    rows = (
        (each.id, each.name, f"{len(each.members):,}", each.source, ", ".join(_users_of(governance, each.id)))
        for each in governance.groups.values()
    )
    print_table(("group", "name", "members", "source", "named by"), rows, empty="No groups.")


def _users_of(governance: "Governance", group: str) -> Iterator[str]:
    """The policies and role assignments that name the group."""
    from assent_contracts.core.governance.policies import approver_groups

    yield from (
        f"policy {each.id}" for each in governance.policies.values() if group in approver_groups(each)
    )
    yield from (
        f"role {each.role} ({each.id})" for each in governance.assignments.values() if group in each.groups
    )


@groups.command(name="show")
def show_group(
    group: GroupId, *, access: AccessOptions = DEFAULT_ACCESS, options: Options = DEFAULT_OPTIONS
) -> None:
    """Show one group: its members, and which policies and roles name it."""
    import msgspec

    from assent.cli.connection.log_selection import governance_now
    from assent.cli.governance_tables import print_facts
    from assent_contracts.governance_changes import group_object

    governance = governance_now(access, options)
    found = governance.groups.get(group)
    if found is None:
        output.fail(f"There is no group {group!r}; `assent groups list` lists them.")
    users = [*_users_of(governance, group)]
    if options.json:
        version = governance.version(group_object(group))
        output.print_json({**msgspec.structs.asdict(found), "version": version, "named_by": users})
        return
    print_facts(
        [
            ("group", group),
            *([("name", found.name)] if found.name else []),
            ("source", found.source),
            *(("named by", user) for user in users),
            *(("member", _member_text(governance, member, found.paths)) for member in found.members),
        ]
    )


def _member_text(governance: "Governance", name: str, paths: dict[str, tuple[str, ...]]) -> str:
    member = governance.principals[name]
    path = f" (by way of {' > '.join(paths[name])})" if name in paths else ""
    return f"{name}{path}{'' if member.enabled else ', disabled'}"


@groups.command(name="set")
def set_group(
    group: GroupId,
    file: Annotated[
        Path | None, Parameter(help="The members, an account's id to a line; - is standard input.")
    ] = None,
    *,
    member: Annotated[Names, Parameter(help="A member; repeat it for each. All others are removed.")] = (),
    add: Annotated[Names, Parameter(help="A member to add; repeat it for several.")] = (),
    remove: Annotated[Names, Parameter(help="A member to remove; repeat it for several.")] = (),
    name: Annotated[str | None, Parameter(help="Its name, for people; unchanged by default.")] = None,
    change_options: ChangeOptions = DEFAULT_CHANGE_OPTIONS,
    access: AccessOptions = DEFAULT_ACCESS,
    options: Options = DEFAULT_OPTIONS,
) -> None:
    """Set the members of a group, new or not. A group that decides on changes needs a second administrator.

    Example: assent groups set security --add erin -j "Erin joined" --as bob
    """
    from assent.cli.governance_change import change_governance
    from assent_contracts.governance_changes import DefineGroup, group_object
    from assent_contracts.governance_objects import Group

    if sum((file is not None, bool(member), bool(add or remove))) > 1:
        output.fail("Use one of FILE, --member, and --add with --remove.")
    if file is None and not member and not add and not remove and name is None:
        output.fail("Give its members, by FILE, --member, --add or --remove; or --name.")
    listed = member or (_members_in(file) if file is not None else None)

    def defined(governance: "Governance") -> "GovernanceChange":
        before = governance.groups.get(group)
        members = () if before is None else before.members
        for each in remove:
            if each not in members:
                output.fail(f"{each!r} is not in group {group}.")
        changed = (
            *(each for each in members if each not in remove),
            *(each for each in add if each not in members),
        )
        new = Group(
            id=group,
            name=name if name is not None else "" if before is None else before.name,
            members=changed if listed is None else listed,
        )
        return DefineGroup(group=new, version=governance.version(group_object(group)))

    change_governance(defined, change_options=change_options, access=access, options=options)


def _members_in(file: Path) -> tuple[str, ...]:
    from assent_contracts.limits import PAYLOAD_MAX_BYTES

    with sys.stdin.buffer if str(file) == "-" else file.open("rb") as opened:
        content = opened.read(PAYLOAD_MAX_BYTES + 1)
    if len(content) > PAYLOAD_MAX_BYTES:
        output.fail(f"{file} has more than {PAYLOAD_MAX_BYTES:,} bytes.")
    try:
        lines = content.decode().split("\n")
    except UnicodeDecodeError:
        output.fail(f"{file} is not UTF-8.")
    return tuple(line.strip() for line in lines if line.strip() and not line.startswith("#"))


@groups.command(name="delete")
def delete_group(
    group: GroupId,
    *,
    change_options: ChangeOptions = DEFAULT_CHANGE_OPTIONS,
    access: AccessOptions = DEFAULT_ACCESS,
    options: Options = DEFAULT_OPTIONS,
) -> None:
    """Delete a group that no policy and no role names."""
    from assent.cli.governance_change import change_governance, version
    from assent_contracts.governance_changes import DeleteGroup, group_object

    change_governance(
        lambda governance: DeleteGroup(group=group, version=version(governance, group_object(group))),
        change_options=change_options,
        access=access,
        options=options,
    )
