"""A directory's humans and groups, taken over as one difference."""

from collections.abc import Iterable

from assent_contracts.core.governance.accounts import bad_account, spelt_otherwise
from assent_contracts.core.governance.fields import out_of_date, refuse, twice
from assent_contracts.core.governance.groups import bad_group, group_in_use
from assent_contracts.core.governance.state import Governance
from assent_contracts.governance import DirectorySynced, GovernanceEvent
from assent_contracts.governance_changes import DIRECTORY, SyncDirectory
from assent_contracts.governed import Account, DirectoryDifference, Group
from assent_contracts.refusals import Refusal, RefusalCode


def sync_directory(governance: Governance, change: SyncDirectory) -> tuple[GovernanceEvent, ...] | Refusal:
    """Only what the directory brought is touched; what people made by hand stays theirs."""
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
    """The refusal of an id that another account of the same difference spells otherwise; notes both ids."""
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
    """The refusal of a difference that takes more away than the settings allow at once."""
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
    # One may always go, or a small directory could never lose anybody.
    allowed = max(1, there * percent // 100) if percent else 0
    if vanishing <= allowed:
        return None
    return refuse(
        RefusalCode.TOO_MUCH_VANISHES,
        f"{vanishing:,} of {there:,} {what} of the directory would vanish;"
        f" at most {allowed:,} may at once ({percent} %).",
    )
