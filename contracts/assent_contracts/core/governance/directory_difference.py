"""The humans and groups of a directory, synchronised as one difference."""

from collections.abc import Iterable
from typing import Final

from assent_contracts.core.governance.accounts import account_difference, bad_account, spelt_otherwise
from assent_contracts.core.governance.change_rules import Asker, ChangeRules
from assent_contracts.core.governance.field_changes import FieldChange, about
from assent_contracts.core.governance.field_limits import out_of_date, refuse, twice
from assent_contracts.core.governance.groups import (
    bad_group,
    group_difference,
    group_in_use,
    is_guarded_group,
)
from assent_contracts.core.governance.number_words import counted
from assent_contracts.core.governance.state import EVERY_TYPE, Governance
from assent_contracts.governance_changes import DIRECTORY, SyncDirectory
from assent_contracts.governance_messages import DirectorySynced, GovernanceEvent
from assent_contracts.governance_objects import Account, DirectoryDifference, Group
from assent_contracts.refusals import Refusal, RefusalCode


def sync_directory(governance: Governance, change: SyncDirectory) -> tuple[GovernanceEvent, ...] | Refusal:
    """Synchronise the directory. Only objects from the directory change, not those made by hand."""
    difference = change.difference
    if difference == DirectoryDifference():
        return refuse(RefusalCode.ALREADY_SO, "Governance says what the directory says already.")
    return (
        out_of_date(governance, DIRECTORY, change.version)
        or _bad_accounts(governance, difference)
        or _bad_groups(governance, difference)
        or too_much_vanishes(governance, difference)
        or (DirectorySynced(difference=difference),)
    )


def _bad_accounts(governance: Governance, difference: DirectoryDifference) -> Refusal | None:
    repeated = twice((*(account.id for account in difference.accounts), *difference.vanished))
    if repeated is not None:
        return refuse(RefusalCode.MALFORMED, f"principal {repeated[:128]!r} stands there twice.")
    spelt: dict[str, str] = {}
    for account in difference.accounts:
        bad = (
            bad_account(account)
            or _not_the_directorys(governance, account)
            or spelt_otherwise(governance, account)
            or _spelt_twice(account, spelt)
        )
        if bad is not None:
            return bad
    for name in difference.vanished:
        principal = governance.principals.get(name)
        if principal is None or principal.account.source != "directory":
            return refuse(
                RefusalCode.UNKNOWN_OBJECT, f"The directory has brought no principal {name[:128]!r}."
            )
    return None


def _spelt_twice(account: Account, spelt: dict[str, str]) -> Refusal | None:
    """The refusal of an id that another account of the difference spells differently. Notes both ids."""
    for what, name in (("id", account.id), ("person id", account.person or "")):
        there = spelt.setdefault(f"{what} {name.lower()}", name)
        if there != name:
            return refuse(
                RefusalCode.ID_TAKEN,
                f"{account.id}: the {what} {name!r} differs from {there!r} in case only.",
            )
    return None


def _not_the_directorys(governance: Governance, account: Account) -> Refusal | None:
    if account.kind != "human" or account.source != "directory":
        return refuse(RefusalCode.MALFORMED, f"{account.id}: the directory brings humans only.")
    before = governance.principals.get(account.id)
    if before is None:
        return None
    if before.account.source != "directory":
        return refuse(
            RefusalCode.ID_TAKEN, f"{account.id} was registered by hand: it is not the directory's."
        )
    if before.person != account.person:
        return refuse(
            RefusalCode.ID_TAKEN,
            f"{account.id} is the account of {before.person}: it cannot become that of {account.person}.",
        )
    return None


def _bad_groups(governance: Governance, difference: DirectoryDifference) -> Refusal | None:
    repeated = twice((*(group.id for group in difference.groups), *difference.vanished_groups))
    if repeated is not None:
        return refuse(RefusalCode.MALFORMED, f"group {repeated[:128]!r} stands there twice.")
    new = {account.id for account in difference.accounts}
    for group in difference.groups:
        bad = bad_group(group)
        if bad is not None:
            return bad
        before = governance.groups.get(group.id)
        if group.source != "directory" or (before is not None and before.source != "directory"):
            return refuse(
                RefusalCode.ID_TAKEN, f"group {group.id} was made by hand: it is not the directory's."
            )
        for member in group.members:
            if member not in governance.principals and member not in new:
                return refuse(
                    RefusalCode.UNKNOWN_OBJECT, f"group {group.id}: there is no principal {member[:128]!r}."
                )
    for name in difference.vanished_groups:
        before = governance.groups.get(name)
        if before is None or before.source != "directory":
            return refuse(RefusalCode.UNKNOWN_OBJECT, f"The directory has brought no group {name[:128]!r}.")
        used = group_in_use(governance, name)
        if used is not None:
            return used
    return None


def too_much_vanishes(governance: Governance, difference: DirectoryDifference) -> Refusal | None:
    """The refusal of a difference that removes more at once than the settings allow."""
    people = sum(
        principal.enabled and principal.account.source == "directory"
        for principal in governance.principals.values()
    )
    groups = [group for group in governance.groups.values() if group.source == "directory"]
    return _over(governance, "people", len(difference.vanished), people) or _over(
        governance, "memberships", _lost(governance, difference), _memberships(groups)
    )


def _memberships(groups: Iterable[Group]) -> int:
    return sum(len(group.members) for group in groups)


def _lost(governance: Governance, difference: DirectoryDifference) -> int:
    changed = sum(len(governance.members(group.id) - set(group.members)) for group in difference.groups)
    return changed + sum(len(governance.members(name)) for name in difference.vanished_groups)


def _over(governance: Governance, what: str, vanishing: int, there: int) -> Refusal | None:
    percent = governance.settings.vanish_max_percent
    # One removal is always allowed, or a small directory could never lose a person.
    allowed = max(1, there * percent // 100) if percent else 0
    if vanishing <= allowed:
        return None
    return refuse(
        RefusalCode.TOO_MUCH_VANISHES,
        f"{vanishing:,} of {there:,} {what} of the directory would vanish;"
        f" at most {allowed:,} may at once ({percent} %).",
    )


def _why_approval(governance: Governance, change: SyncDirectory, asker: Asker) -> str | None:
    if governance.has_role(asker.principal, "directory", EVERY_TYPE):
        return None
    touched = [*(group.id for group in change.difference.groups), *change.difference.vanished_groups]
    for group in touched:
        if is_guarded_group(governance, group):
            return f"group {group} decides on changes"
    for account in change.difference.accounts:
        before = governance.principals.get(account.id)
        if before is not None and not before.enabled:
            return f"it lets the disabled account {account.id} act again"
    return None


def _difference(directory: DirectoryDifference, governance: Governance) -> tuple[FieldChange, ...]:
    lines: list[FieldChange] = []
    for account in directory.accounts:
        before = governance.principals.get(account.id)
        lines += about(f"principal {account.id}", account_difference(before and before.account, account))
        if before is not None and before.vanished:
            lines.append(FieldChange(f"principal {account.id}", "disabled", "enabled"))
    for group in directory.groups:
        lines += about(f"group {group.id}", group_difference(governance.groups.get(group.id), group))
        if group.id not in governance.groups:
            lines.append(FieldChange(f"group {group.id}", None, "new"))
    for name in directory.vanished_groups:
        lines += about(f"group {name}", group_difference(governance.groups.get(name), None))
        lines.append(FieldChange(f"group {name}", "there", None))
    lines += [FieldChange(f"principal {name}", "enabled", "disabled") for name in directory.vanished]
    return tuple(lines)


def _counts(directory: DirectoryDifference, governance: Governance) -> str:
    new = sum(account.id not in governance.principals for account in directory.accounts)
    new_groups = sum(group.id not in governance.groups for group in directory.groups)
    counts = (
        (new, "new person", "new people"),
        (len(directory.accounts) - new, "changed person", "changed people"),
        (len(directory.vanished), "vanished person", "vanished people"),
        (new_groups, "new group", None),
        (len(directory.groups) - new_groups, "changed group", None),
        (len(directory.vanished_groups), "vanished group", None),
    )
    return ", ".join(counted(number, one, many) for number, one, many in counts if number) or "nothing"


SYNC_DIRECTORY: Final = ChangeRules[SyncDirectory](
    decide=lambda governance, change, _at: sync_directory(governance, change),
    sentence=lambda change, governance: (
        f"Synchronise the directory: {_counts(change.difference, governance)}."
    ),
    difference=lambda change, governance: _difference(change.difference, governance),
    why_approval=_why_approval,
    is_own=lambda governance, _change, principal: governance.has_role(principal, "directory", EVERY_TYPE),
    brings_in=True,
)
