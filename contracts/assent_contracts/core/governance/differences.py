"""What a change would make different, field by field: what approvers see beside its sentence. Pure."""

from collections.abc import Iterable
from typing import assert_never

import msgspec

from assent_contracts.core.governance.principals import Principal
from assent_contracts.core.governance.state import Governance
from assent_contracts.digests import to_base64url
from assent_contracts.governance_changes import (
    AddWriter,
    AssignRole,
    ChangeSettings,
    CorrectTime,
    CreatePolicy,
    DefineGroup,
    DeleteGroup,
    DeletePolicy,
    DisablePrincipal,
    EditPolicy,
    EnablePrincipal,
    ExpireKey,
    GovernanceChange,
    RegisterKey,
    RegisterPrincipal,
    RetireWriter,
    RevokeKey,
    RevokeKeys,
    SyncDirectory,
    WithdrawRole,
)
from assent_contracts.governed import Account, DirectoryDifference, Group, RoleAssignment, Settings
from assent_contracts.limits import FOR_EVER_MS
from assent_contracts.policies import ApprovalRule, Policy

_UNITS = ((86_400_000, "day"), (3_600_000, "hour"), (60_000, "minute"), (1_000, "second"))
_DAY_MS = 86_400_000
_MINUTE_MS = 60_000


class Line(msgspec.Struct, frozen=True):
    """One field, as it is and as it would be; None where it is not there."""

    field: str
    before: str | None
    after: str | None


def duration(ms: int) -> str:
    """Milliseconds in the largest unit that they fill without a rest: `7 days`."""
    for unit, name in _UNITS:
        if ms and ms % unit == 0:
            return counted(ms // unit, name)
    return counted(ms, "millisecond")


def counted(number: int, name: str, several: str | None = None) -> str:
    """`1 person`, `2 people`."""
    return f"{number:,} {name if number == 1 else several or f'{name}s'}"


def moment(at_ms: int) -> str:
    """A time in UTC to the minute, `2026-11-24 02:03Z`. Years are those of the Gregorian calendar."""
    if at_ms >= FOR_EVER_MS:
        return "for ever"
    # Days since 1970 to a date, by eras of 400 years that begin in March, so that leap days come last.
    days, rest = divmod(at_ms, _DAY_MS)
    era, of_era = divmod(days + 719_468, 146_097)
    year = (of_era - of_era // 1_460 + of_era // 36_524 - of_era // 146_096) // 365
    of_year = of_era - (365 * year + year // 4 - year // 100)
    shifted = (5 * of_year + 2) // 153
    day, month = of_year - (153 * shifted + 2) // 5 + 1, shifted + 3 if shifted < 10 else shifted - 9
    minutes = rest // _MINUTE_MS
    number = year + era * 400 + (month <= 2)
    return f"{number:04}-{month:02}-{day:02} {minutes // 60:02}:{minutes % 60:02}Z"


def rule_text(rule: ApprovalRule) -> str:
    """`2 of security or owners`, by the groups' ids."""
    return f"{rule.quorum} of {' or '.join(rule.groups)}"


def holders_text(assignment: RoleAssignment) -> str:
    """Who holds a role by this assignment: `group a, bob`."""
    return ", ".join([*(f"group {group}" for group in assignment.groups), *assignment.principals])


def difference(change: GovernanceChange, governance: Governance) -> tuple[Line, ...]:  # noqa: C901, PLR0912
    """The fields that the change makes different in this state of governance; none where it changes none."""
    match change:
        case RegisterPrincipal(account=account):
            return _account(None, account)
        case EnablePrincipal(principal=principal):
            return _standing(governance.principals.get(principal), "enabled")
        case DisablePrincipal(principal=principal):
            return _standing(governance.principals.get(principal), "disabled")
        case RegisterKey(key=key):
            return _changed(
                ("principal", None, key.principal),
                ("public key", None, key.public_key),
                ("valid from", None, moment(key.not_before)),
                ("valid until", None, moment(key.not_after)),
            )
        case ExpireKey(key=key, not_after=not_after):
            before = governance.keys.get(key)
            return _changed(
                ("valid until", None if before is None else moment(before.not_after), moment(not_after))
            )
        case RevokeKey(key=key):
            before = governance.keys.get(key)
            standing = None if before is None else "revoked" if before.revoked else "registered"
            return _changed(("key", standing, "revoked"))
        case RevokeKeys(principal=principal):
            return tuple(
                Line(f"key {key_id}", "registered", "revoked") for key_id in keys_of(governance, principal)
            )
        case AddWriter(writer=writer):
            return _changed(("writer", None, writer.id), ("public key", None, writer.public_key))
        case RetireWriter(writer=writer):
            before = governance.writers.get(writer)
            return _changed(
                ("writer", None if before is None else "listed", "retired"),
                ("public key", None if before is None else to_base64url(before), None),
            )
        case DefineGroup(group=group):
            return _group(governance.groups.get(group.id), group)
        case DeleteGroup(group=group):
            return _group(governance.groups.get(group), None)
        case AssignRole(assignment=assignment):
            return _assignment(governance.assignments.get(assignment.id), assignment, governance)
        case WithdrawRole(assignment=assignment):
            return _assignment(governance.assignments.get(assignment), None, governance)
        case ChangeSettings(settings=settings):
            return settings_difference(governance.settings, settings)
        case CreatePolicy(policy=policy) | EditPolicy(policy=policy):
            return policy_difference(governance.policies.get(policy.id), policy)
        case DeletePolicy(policy=policy):
            return policy_difference(governance.policies.get(policy), None)
        case SyncDirectory(difference=directory):
            return _directory(directory, governance)
        case CorrectTime(to=to):
            return _changed(("log time", "where it is later", moment(to)))
        case _:
            assert_never(change)


def keys_of(governance: Governance, principal: str) -> list[str]:
    """The ids of the principal's keys that are not revoked."""
    found = governance.keys.items()
    return [key_id for key_id, key in found if key.principal == principal and not key.revoked]


def _changed(*lines: tuple[str, str | None, str | None]) -> tuple[Line, ...]:
    return tuple(Line(*line) for line in lines if line[1] != line[2])


def _account(before: Account | None, after: Account) -> tuple[Line, ...]:
    return _changed(
        ("kind", before and before.kind, after.kind),
        ("person", before and before.person, after.person),
        ("name", (before and before.name) or None, after.name or None),
    )


def _standing(principal: Principal | None, after: str) -> tuple[Line, ...]:
    before = None if principal is None else "enabled" if principal.enabled else "disabled"
    return _changed(("account", before, after))


def _group(before: Group | None, after: Group | None) -> tuple[Line, ...]:
    was, will = _members(before), _members(after)
    return (
        *_changed(("name", _name(before), _name(after))),
        *(Line("member", None, name) for name in sorted(will - was)),
        *(Line("member", name, None) for name in sorted(was - will)),
    )


def _members(group: Group | None) -> set[str]:
    return set() if group is None else set(group.members)


def _name(group: Group | None) -> str | None:
    return None if group is None else group.name or None


def _assignment(
    before: RoleAssignment | None, after: RoleAssignment | None, governance: Governance
) -> tuple[Line, ...]:
    was, will = _holders(before, governance), _holders(after, governance)
    return (
        *_changed(
            ("role", before and before.role, after and after.role),
            ("resource types", _types(before), _types(after)),
        ),
        *(Line("holder", None, name) for name in sorted(will - was)),
        *(Line("holder", name, None) for name in sorted(was - will)),
    )


def _holders(assignment: RoleAssignment | None, governance: Governance) -> set[str]:
    """The groups, and everybody by name: whoever decides on it sees who gets the role."""
    if assignment is None:
        return set()
    members = {
        f"{member} (in group {group})" for group in assignment.groups for member in governance.members(group)
    }
    return {*(f"group {group}" for group in assignment.groups), *members, *assignment.principals}


def _types(assignment: RoleAssignment | None) -> str | None:
    if assignment is None:
        return None
    return ", ".join(assignment.resource_types) or "every type"


def settings_difference(before: Settings, after: Settings) -> tuple[Line, ...]:
    """The settings that are different, times in words."""
    fields = Settings.__struct_fields__
    return _changed(
        *(
            (name.removesuffix("_ms"), setting_text(before, name), setting_text(after, name))
            for name in fields
        )
    )


def setting_text(settings: Settings, name: str) -> str:
    """One setting for people."""
    value = getattr(settings, name)
    if name.endswith("_ms"):
        return duration(value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:,}" if isinstance(value, int) else str(value)


def policy_difference(before: Policy | None, after: Policy | None) -> tuple[Line, ...]:
    """The parts of a policy that are different, its approvals rule by rule."""
    was, will = _policy_fields(before), _policy_fields(after)
    names = [name for name in (*was, *(name for name in will if name not in was)) if name != "approvals"]
    rules = _rules(() if before is None else before.approvals, () if after is None else after.approvals)
    return (*_changed(*((name, was.get(name), will.get(name)) for name in names)), *rules)


def _policy_fields(policy: Policy | None) -> dict[str, str | None]:
    if policy is None:
        return {}
    return {
        "name": policy.name,
        "description": policy.description or None,
        "resource type": policy.resource_type,
        "rejections": str(policy.rejections),
        "completion": policy.completion,
        "expiry": "as the settings say" if policy.expiry_ms is None else duration(policy.expiry_ms),
        "own signature": "required" if policy.own_signature else "not required",
        "on behalf of": policy.on_behalf_of,
    }


def _rules(before: tuple[ApprovalRule, ...], after: tuple[ApprovalRule, ...]) -> Iterable[Line]:
    if len(before) == len(after) == 1 and set(before[0].groups) == set(after[0].groups):
        yield from _changed(("quorum", str(before[0].quorum), str(after[0].quorum)))
        return
    for number in range(max(len(before), len(after))):
        was = rule_text(before[number]) if number < len(before) else None
        will = rule_text(after[number]) if number < len(after) else None
        yield from _changed((f"approval {number + 1}", was, will))


def _directory(directory: DirectoryDifference, governance: Governance) -> tuple[Line, ...]:
    lines: list[Line] = []
    for account in directory.accounts:
        before = governance.principals.get(account.id)
        lines += _about(f"principal {account.id}", _account(before and before.account, account))
        if before is not None and before.vanished:
            lines.append(Line(f"principal {account.id}", "disabled", "enabled"))
    for group in directory.groups:
        lines += _about(f"group {group.id}", _group(governance.groups.get(group.id), group))
        if group.id not in governance.groups:
            lines.append(Line(f"group {group.id}", None, "new"))
    for name in directory.vanished_groups:
        lines += _about(f"group {name}", _group(governance.groups.get(name), None))
        lines.append(Line(f"group {name}", "there", None))
    lines += [Line(f"principal {name}", "enabled", "disabled") for name in directory.vanished]
    return tuple(lines)


def _about(what: str, lines: Iterable[Line]) -> Iterable[Line]:
    return (Line(f"{what}, {line.field}", line.before, line.after) for line in lines)
