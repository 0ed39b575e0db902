"""Lists of what governance says, and one thing of it with everything that concerns it."""

import asyncio
from collections.abc import Iterable
from typing import Any

import msgspec

from assent.cli import output
from assent.cli.governance_state import governance_now
from assent.cli.log_access import way
from assent.cli.options import Options, Sender
from assent.cli.tables import print_facts, print_table
from assent_contracts.client.publisher import now_ms
from assent_contracts.core.governance.policies import policy_sentence
from assent_contracts.core.governance.principals import Key, Principal
from assent_contracts.core.governance.roles import holders_text
from assent_contracts.core.governance.satisfiability import approver_groups
from assent_contracts.core.governance.settings import setting_text
from assent_contracts.core.governance.state import Governance
from assent_contracts.core.governance.wording import moment
from assent_contracts.digests import to_base64url
from assent_contracts.governance_changes import group_object, policy_object, role_object
from assent_contracts.governed import RoleAssignment, Settings


def now(sender: Sender, options: Options) -> Governance:
    """Governance as it is."""
    return asyncio.run(governance_now(way(sender, options)))


def principals(sender: Sender, options: Options) -> None:
    """`assent principals list`."""
    governance = now(sender, options)
    if options.json:
        output.print_json([_principal(each) for each in governance.principals.values()])
        return
    rows = (
        (each.id, each.account.kind, each.person or "", each.account.name, _standing(each))
        for each in governance.principals.values()
    )
    print_table(("account", "kind", "person", "name", "status"), rows, empty="No accounts.")


def _principal(principal: Principal) -> dict[str, Any]:
    return {**msgspec.structs.asdict(principal.account), "enabled": principal.enabled}


def _standing(principal: Principal) -> str:
    if principal.enabled:
        return "enabled"
    return "disabled (gone from the directory)" if principal.vanished else "disabled"


def principal(name: str, sender: Sender, options: Options) -> None:
    """`assent principals show`."""
    governance = now(sender, options)
    found = governance.principals.get(name)
    if found is None:
        output.fail(f"There is no principal {name!r}; `assent principals list` lists them.")
    groups = [group for group in governance.groups if name in governance.members(group)]
    roles = [each for each in governance.assignments.values() if _holds(each, name, groups)]
    keys = {key_id: key for key_id, key in governance.keys.items() if key.principal == name}
    if options.json:
        document = {**_principal(found), "groups": groups, "roles": roles}
        output.print_json({**document, "keys": [_key(*each) for each in keys.items()]})
        return
    print_facts(
        [
            ("account", name),
            ("kind", found.account.kind),
            *([("person", found.person)] if found.person else []),
            *([("name", found.account.name)] if found.account.name else []),
            ("status", _standing(found)),
            ("source", found.account.source),
            *(("group", _path(governance, group, name)) for group in groups),
            *(("role", f"{each.role}{_limited(each)} ({each.id})") for each in roles),
            *(("key", f"{key_id}, {_validity(key)}") for key_id, key in keys.items()),
        ]
    )


def _holds(assignment: RoleAssignment, principal: str, groups: list[str]) -> bool:
    return principal in assignment.principals or any(group in assignment.groups for group in groups)


def _path(governance: Governance, group: str, principal: str) -> str:
    path = governance.groups[group].paths.get(principal, ())
    return f"{group} (by way of {' > '.join(path)})" if path else group


def _limited(assignment: RoleAssignment) -> str:
    return f" for {', '.join(assignment.resource_types)}" if assignment.resource_types else ""


def keys(of: str | None, sender: Sender, options: Options) -> None:
    """`assent keys list`."""
    governance = now(sender, options)
    found = {key_id: key for key_id, key in governance.keys.items() if of in {None, key.principal}}
    if options.json:
        output.print_json([_key(*each) for each in found.items()])
        return
    rows = (
        (key_id, key.principal, _validity(key), to_base64url(key.public_key)) for key_id, key in found.items()
    )
    print_table(("key", "account", "valid", "public key"), rows, empty="No keys.")


def _key(key_id: str, key: Key) -> dict[str, Any]:
    fields = msgspec.structs.asdict(key)
    return {
        "id": key_id,
        **fields,
        "public_key": to_base64url(key.public_key),
        "valid": key.is_valid(now_ms()),
    }


def _validity(key: Key) -> str:
    at = now_ms()
    if key.revoked:
        return "revoked"
    if at >= key.not_after:
        return f"ended {moment(key.not_after)}"
    if at < key.not_before:
        return f"from {moment(key.not_before)}"
    end = moment(key.not_after)
    return end if end == "for ever" else f"until {end}"


def groups(sender: Sender, options: Options) -> None:
    """`assent groups list`."""
    governance = now(sender, options)
    if options.json:
        output.print_json([*governance.groups.values()])
        return
    rows = (
        (each.id, each.name, f"{len(each.members):,}", each.source, ", ".join(_users(governance, each.id)))
        for each in governance.groups.values()
    )
    print_table(("group", "name", "members", "source", "named by"), rows, empty="No groups.")


def _users(governance: Governance, group: str) -> Iterable[str]:
    yield from (
        f"policy {each.id}" for each in governance.policies.values() if group in approver_groups(each)
    )
    yield from (
        f"role {each.role} ({each.id})" for each in governance.assignments.values() if group in each.groups
    )


def group(name: str, sender: Sender, options: Options) -> None:
    """`assent groups show`."""
    governance = now(sender, options)
    found = governance.groups.get(name)
    if found is None:
        output.fail(f"There is no group {name!r}; `assent groups list` lists them.")
    users = [*_users(governance, name)]
    if options.json:
        version = governance.version(group_object(name))
        output.print_json({**msgspec.structs.asdict(found), "version": version, "named_by": users})
        return
    print_facts(
        [
            ("group", name),
            *([("name", found.name)] if found.name else []),
            ("source", found.source),
            *(("named by", user) for user in users),
            *(("member", _member(governance, member, found.paths)) for member in found.members),
        ]
    )


def _member(governance: Governance, name: str, paths: dict[str, tuple[str, ...]]) -> str:
    member = governance.principals[name]
    said = f" (by way of {' > '.join(paths[name])})" if name in paths else ""
    return f"{name}{said}{'' if member.enabled else ', disabled'}"


def roles(of: str | None, sender: Sender, options: Options) -> None:
    """`assent roles list`."""
    governance = now(sender, options)
    mine = [group for group in governance.groups if of is not None and of in governance.members(group)]
    found = [each for each in governance.assignments.values() if of is None or _holds(each, of, mine)]
    if options.json:
        versions = {each.id: governance.version(role_object(each.id)) for each in found}
        output.print_json([{**msgspec.structs.asdict(each), "version": versions[each.id]} for each in found])
        return
    rows = (
        (each.id, each.role, holders_text(each), ", ".join(each.resource_types) or "every type")
        for each in found
    )
    print_table(("assignment", "role", "holders", "for"), rows, empty="No role assignments.")


def settings(sender: Sender, options: Options) -> None:
    """`assent settings show`."""
    found = now(sender, options).settings
    if options.json:
        output.print_json(msgspec.structs.asdict(found))
        return
    print_facts((name.removesuffix("_ms"), setting_text(found, name)) for name in Settings.__struct_fields__)


def policies(sender: Sender, options: Options) -> None:
    """`assent policies list`."""
    governance = now(sender, options)
    if options.json:
        output.print_json([_policy(governance, name) for name in governance.policies])
        return
    rows = (
        (each.id, each.resource_type, policy_sentence(each, governance))
        for each in governance.policies.values()
    )
    print_table(("policy", "protects", "asks for"), rows, empty="No policies: nothing is protected.")


def _policy(governance: Governance, name: str) -> dict[str, Any]:
    found = governance.policies[name]
    return {
        **msgspec.structs.asdict(found),
        "version": governance.version(policy_object(name)),
        "sentence": policy_sentence(found, governance),
    }


def policy(name: str, sender: Sender, options: Options) -> None:
    """`assent policies show`."""
    governance = now(sender, options)
    found = governance.policies.get(name)
    if found is None:
        output.fail(f"There is no policy {name!r}; `assent policies list` lists them.")
    if options.json:
        output.print_json(_policy(governance, name))
        return
    print_facts(
        [
            ("policy", name),
            ("name", found.name),
            *([("description", found.description)] if found.description else []),
            ("protects", found.resource_type),
            ("version", str(governance.version(policy_object(name)))),
        ]
    )
    output.say(policy_sentence(found, governance))
