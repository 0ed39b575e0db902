"""Commands about accounts."""

from typing import TYPE_CHECKING, Annotated, Any, Literal

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
    from assent_contracts.core.governance.principals_and_keys import Principal
    from assent_contracts.core.governance.state import Governance
    from assent_contracts.governance_objects import RoleAssignment

principals = App(name="principals", group="Governance", help="Accounts of people and services.")

AccountArgument = Annotated[str, Parameter(help="The account's id.")]


@principals.command(name="list")
def list_principals(*, access: AccessOptions = DEFAULT_ACCESS, options: Options = DEFAULT_OPTIONS) -> None:
    """List all accounts."""
    from assent.cli.connection.log_selection import governance_now
    from assent.cli.governance_tables import print_table

    governance = governance_now(access, options)
    if options.json:
        output.print_json([_document(each) for each in governance.principals.values()])
        return
    rows = (
        (each.id, each.account.kind, each.person or "", each.account.name, _status(each))
        for each in governance.principals.values()
    )
    print_table(("account", "kind", "person", "name", "status"), rows, empty="No accounts.")


def _document(principal: "Principal") -> dict[str, Any]:
    import msgspec

    return {**msgspec.structs.asdict(principal.account), "enabled": principal.enabled}


def _status(principal: "Principal") -> str:
    if principal.enabled:
        return "enabled"
    return "disabled (gone from the directory)" if principal.vanished else "disabled"


@principals.command(name="show")
def show_principal(
    principal: AccountArgument, *, access: AccessOptions = DEFAULT_ACCESS, options: Options = DEFAULT_OPTIONS
) -> None:
    """Show one account: its person, groups, roles and keys."""
    from assent.cli.commands.keys import key_document, validity
    from assent.cli.commands.roles import holds_by_assignment
    from assent.cli.connection.log_selection import governance_now
    from assent.cli.governance_tables import print_facts

    governance = governance_now(access, options)
    found = governance.principals.get(principal)
    if found is None:
        output.fail(f"There is no principal {principal!r}; `assent principals list` lists them.")
    groups = [group for group in governance.groups if principal in governance.members(group)]
    roles = [each for each in governance.assignments.values() if holds_by_assignment(each, principal, groups)]
    keys = {key_id: key for key_id, key in governance.keys.items() if key.principal == principal}
    if options.json:
        document = {**_document(found), "groups": groups, "roles": roles}
        output.print_json({**document, "keys": [key_document(*each) for each in keys.items()]})
        return
    print_facts(
        [
            ("account", principal),
            ("kind", found.account.kind),
            *([("person", found.person)] if found.person else []),
            *([("name", found.account.name)] if found.account.name else []),
            *([("operator", found.account.operator)] if found.account.operator else []),
            ("status", _status(found)),
            ("source", found.account.source),
            *(("group", _path(governance, group, principal)) for group in groups),
            *(("role", f"{each.role}{_types_of(each)} ({each.id})") for each in roles),
            *(("key", f"{key_id}, {validity(key)}") for key_id, key in keys.items()),
        ]
    )


def _path(governance: "Governance", group: str, principal: str) -> str:
    path = governance.groups[group].paths.get(principal, ())
    return f"{group} (by way of {' > '.join(path)})" if path else group


def _types_of(assignment: "RoleAssignment") -> str:
    return f" for {', '.join(assignment.resource_types)}" if assignment.resource_types else ""


@principals.command(name="register")
def register_principal(
    principal: AccountArgument,
    *,
    person: Annotated[
        str | None,
        Parameter(
            help="The person whose account it is: two accounts of one person count as one (R9). Humans only."
        ),
    ] = None,
    kind: Annotated[
        Literal["human", "service"] | None, Parameter(help="human with --person, else service.")
    ] = None,
    name: Annotated[str, Parameter(show_default=False, help="Its name, for people.")] = "",
    operator: Annotated[
        str | None, Parameter(help="R25: the account of the person who runs a service.")
    ] = None,
    change_options: ChangeOptions = DEFAULT_CHANGE_OPTIONS,
    access: AccessOptions = DEFAULT_ACCESS,
    options: Options = DEFAULT_OPTIONS,
) -> None:
    """Register an account. It can do nothing until it has a role and a key.

    Example: assent principals register erin --person erin.novak --as bob
    """
    from assent.cli.governance_change import change_governance
    from assent_contracts.governance_changes import RegisterPrincipal
    from assent_contracts.governance_objects import Account

    kind = kind or ("service" if person is None else "human")
    account = Account(id=principal, kind=kind, person=person, name=name, operator=operator)
    change_governance(
        lambda _: RegisterPrincipal(account=account),
        change_options=change_options,
        access=access,
        options=options,
    )


@principals.command(name="disable")
def disable_principal(
    principal: AccountArgument,
    *,
    change_options: ChangeOptions = DEFAULT_CHANGE_OPTIONS,
    access: AccessOptions = DEFAULT_ACCESS,
    options: Options = DEFAULT_OPTIONS,
) -> None:
    """Disable an account: it can do nothing, and its approvals stop counting. Works at once."""
    from assent.cli.governance_change import change_governance
    from assent_contracts.governance_changes import DisablePrincipal

    change_governance(
        lambda _: DisablePrincipal(principal=principal),
        change_options=change_options,
        access=access,
        options=options,
    )


@principals.command(name="enable")
def enable_principal(
    principal: AccountArgument,
    *,
    change_options: ChangeOptions = DEFAULT_CHANGE_OPTIONS,
    access: AccessOptions = DEFAULT_ACCESS,
    options: Options = DEFAULT_OPTIONS,
) -> None:
    """Enable a disabled account."""
    from assent.cli.governance_change import change_governance
    from assent_contracts.governance_changes import EnablePrincipal

    change_governance(
        lambda _: EnablePrincipal(principal=principal),
        change_options=change_options,
        access=access,
        options=options,
    )


@principals.command(name="set-operator")
def set_operator(
    principal: AccountArgument,
    operator: Annotated[
        str | None, Parameter(help="The account of the person who runs the service; none states nobody.")
    ] = None,
    *,
    change_options: ChangeOptions = DEFAULT_CHANGE_OPTIONS,
    access: AccessOptions = DEFAULT_ACCESS,
    options: Options = DEFAULT_OPTIONS,
) -> None:
    """Set who runs a service. A policy can keep that person apart from requesters and approvers (R25).

    Example: assent principals set-operator applier erin -j "She runs it" --as bob
    """
    from assent.cli.governance_change import change_governance
    from assent_contracts.governance_changes import SetOperator

    change_governance(
        lambda _: SetOperator(principal=principal, operator=operator),
        change_options=change_options,
        access=access,
        options=options,
    )
