"""The meaning of a governance file's tables, where that is more than copying a field."""

from datetime import datetime
from typing import Any

from assent.founding.durations import duration_ms
from assent.founding.governance_file import GovernanceFileError, PolicyTable, SettingsTable
from assent_contracts.access_policies import ApprovalRule, Freeze, Policy
from assent_contracts.governance_objects import Settings


def settings_of(table: SettingsTable) -> Settings:
    """The settings that a table describes. Raises GovernanceFileError."""
    return Settings(
        expiry_ms=_duration_ms("settings.expiry", table.expiry, at_least_ms=1_000),
        lease_ms=_duration_ms("settings.lease", table.lease, at_least_ms=100),
        visibility_ms=_duration_ms("settings.visibility", table.visibility, at_least_ms=1_000),
        **_copied(table, Settings),
    )


def policy_of(table: PolicyTable) -> Policy:
    """The policy that a table describes, in either of the two forms. Raises GovernanceFileError."""
    expiry_ms = None
    if table.expiry is not None:
        expiry_ms = _duration_ms(f"policy {table.id!r}: expiry", table.expiry, at_least_ms=1_000)
    freezes = tuple(
        Freeze(start=_ms(each.start), end=_ms(each.end), reason=each.reason) for each in table.freezes
    )
    return Policy(approvals=_rules_of(table), expiry_ms=expiry_ms, freezes=freezes, **_copied(table, Policy))


def _ms(at: datetime) -> int:
    return round(at.timestamp() * 1_000)


def _copied(table: SettingsTable | PolicyTable, kind: type[Settings | Policy]) -> dict[str, Any]:
    """The fields that a table has under the same name and type as the contracts."""
    names = set(table.__struct_fields__) & set(kind.__struct_fields__) - {"approvals", "freezes"}
    return {name: getattr(table, name) for name in names}


def _rules_of(table: PolicyTable) -> tuple[ApprovalRule, ...]:
    if table.approvals is None:
        if table.approver_groups is None:
            msg = f"policy {table.id!r}: name its approvers, in approver_groups and quorum or in approvals."
            raise GovernanceFileError(msg)
        quorum = 1 if table.quorum is None else table.quorum
        return (ApprovalRule(quorum=quorum, groups=table.approver_groups),)
    if table.approver_groups is not None or table.quorum is not None:
        msg = (
            f"policy {table.id!r}: give either approver_groups and quorum, or approvals;"
            " with both it is not clear which one applies."
        )
        raise GovernanceFileError(msg)
    return tuple(ApprovalRule(quorum=rule.quorum, groups=rule.groups) for rule in table.approvals)


def _duration_ms(place: str, text: str, *, at_least_ms: int) -> int:
    try:
        return duration_ms(text, at_least_ms=at_least_ms)
    except ValueError as error:
        msg = f"{place}: {error}"
        raise GovernanceFileError(msg) from error
