"""Commands about groups, roles and the directory."""

from pathlib import Path
from typing import Annotated, Literal

from cyclopts import App, Parameter

from assent.cli.options import (
    DEFAULT_CHANGING,
    DEFAULT_OPTIONS,
    DEFAULT_SENDER,
    Changing,
    Options,
    Sender,
)

groups = App(name="groups", group="Governance", help="Groups and their members.")
roles = App(name="roles", group="Governance", help="Role assignments: who may do what.")
directory = App(name="directory", group="Governance", help="The organisation's directory.")

Role = Literal["administrator", "requester", "approver", "applier", "auditor", "gateway", "directory"]
Group = Annotated[str, Parameter(help="The group's id.")]
Names = Annotated[tuple[str, ...], Parameter(negative="", show_default=False)]


@groups.command(name="list")
def list_groups(*, sender: Sender = DEFAULT_SENDER, options: Options = DEFAULT_OPTIONS) -> None:
    """List all groups."""
    from assent.cli import listing

    listing.groups(sender, options)


@groups.command(name="show")
def show_group(group: Group, *, sender: Sender = DEFAULT_SENDER, options: Options = DEFAULT_OPTIONS) -> None:
    """Show one group: its members, and which policies and roles name it."""
    from assent.cli import listing

    listing.group(group, sender, options)


@groups.command(name="set")
def set_group(
    group: Group,
    file: Annotated[
        Path | None, Parameter(help="The members, an account's id to a line; - is standard input.")
    ] = None,
    *,
    member: Annotated[Names, Parameter(help="A member; say it for each, and nobody else stays.")] = (),
    add: Annotated[Names, Parameter(help="Add a member to those that there are.")] = (),
    remove: Annotated[Names, Parameter(help="Remove a member from those that there are.")] = (),
    name: Annotated[str | None, Parameter(help="Its name, for people; as it is unless said.")] = None,
    changing: Changing = DEFAULT_CHANGING,
    sender: Sender = DEFAULT_SENDER,
    options: Options = DEFAULT_OPTIONS,
) -> None:
    """Say who is in a group, new or not. One that decides on changes needs a second administrator.

    Example: assent groups set security --add erin -j "Erin joined" --as bob
    """
    from assent.cli import change_builders
    from assent.cli.changing import change

    make = change_builders.set_group(group, file, members=member, add=add, remove=remove, name=name)
    change(make, changing=changing, sender=sender, options=options)


@groups.command(name="delete")
def delete_group(
    group: Group,
    *,
    changing: Changing = DEFAULT_CHANGING,
    sender: Sender = DEFAULT_SENDER,
    options: Options = DEFAULT_OPTIONS,
) -> None:
    """Take a group away that no policy and no role names."""
    from assent.cli import change_builders
    from assent.cli.changing import change

    change(change_builders.delete_group(group), changing=changing, sender=sender, options=options)


@roles.command(name="list")
def list_roles(
    *,
    of: Annotated[str | None, Parameter(help="Only those that this account holds.")] = None,
    sender: Sender = DEFAULT_SENDER,
    options: Options = DEFAULT_OPTIONS,
) -> None:
    """List the role assignments."""
    from assent.cli import listing

    listing.roles(of, sender, options)


@roles.command(name="assign")
def assign_role(
    assignment: Annotated[str, Parameter(help="The assignment's id, new or not.")],
    role: Annotated[Role, Parameter(help="The role.")],
    *,
    group: Annotated[Names, Parameter(help="A group that has it; say it for each.")] = (),
    principal: Annotated[Names, Parameter(help="An account that has it; say it for each.")] = (),
    type_: Annotated[
        Names, Parameter(name="--type", help="A resource type that it is limited to; say it for each.")
    ] = (),
    changing: Changing = DEFAULT_CHANGING,
    sender: Sender = DEFAULT_SENDER,
    options: Options = DEFAULT_OPTIONS,
) -> None:
    """Give a role; an assignment that is there becomes this one.

    Example: assent roles assign auditors auditor --group audit --principal dave --as bob
    """
    from assent.cli import change_builders
    from assent.cli.changing import change

    make = change_builders.assign_role(assignment, role, groups=group, principals=principal, types=type_)
    change(make, changing=changing, sender=sender, options=options)


@roles.command(name="withdraw")
def withdraw_role(
    assignment: Annotated[str, Parameter(help="The assignment's id; `assent roles list` lists them.")],
    *,
    changing: Changing = DEFAULT_CHANGING,
    sender: Sender = DEFAULT_SENDER,
    options: Options = DEFAULT_OPTIONS,
) -> None:
    """Take a role assignment away as a whole."""
    from assent.cli import change_builders
    from assent.cli.changing import change

    change(change_builders.withdraw_role(assignment), changing=changing, sender=sender, options=options)


@directory.command(name="sync")
def sync(
    file: Annotated[Path, Parameter(help="The export, JSON or CSV, at most 32 MiB.")],
    *,
    changing: Changing = DEFAULT_CHANGING,
    sender: Sender = DEFAULT_SENDER,
    options: Options = DEFAULT_OPTIONS,
) -> None:
    """Bring people and groups up to what an export of the directory says, in one signed difference.

    JSON: {"users": [{"id", "person", "name", "active"}],
    "groups": [{"id", "name", "members": [user ids], "groups": [ids of nested groups]}]}

    CSV: the header kind,id,person,name,member_of (and active, if you like), then rows of kind user or group;
    member_of holds the ids of the groups that it is in, between semicolons.

    Only what the directory has brought is changed; what was made by hand stays. Who is not in the export any
    more is disabled. Nested groups are flattened, each member with the path to it. How much may vanish at
    once is a setting, vanish_max_percent. A user whose id is somebody else's here is left out and named; the
    rest goes on, and the exit code is 2. A large difference is sent in several changes, what vanishes last.
    """
    from assent.cli import syncing

    syncing.sync(file, changing=changing, sender=sender, options=options)
