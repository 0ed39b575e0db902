"""Settings: their change, and whether it only tightens them."""

from typing import Final

from assent_contracts.core.governance.change_rules import ChangeRules
from assent_contracts.core.governance.field_changes import FieldChange, becomes, changed_fields
from assent_contracts.core.governance.field_limits import out_of_date, refuse
from assent_contracts.core.governance.number_words import duration
from assent_contracts.core.governance.state import Governance
from assent_contracts.governance_changes import SETTINGS, ChangeSettings
from assent_contracts.governance_messages import GovernanceEvent, SettingsChanged
from assent_contracts.governance_objects import Settings
from assent_contracts.refusals import Refusal, RefusalCode


def change_settings(governance: Governance, change: ChangeSettings) -> tuple[GovernanceEvent, ...] | Refusal:
    """Change the settings, all together, so that two changes cannot mix."""
    bad = out_of_date(governance, SETTINGS, change.version)
    if bad is not None:
        return bad
    if change.settings == governance.settings and change.version is not None:
        return refuse(RefusalCode.ALREADY_SO, "The settings are so already.")
    return (SettingsChanged(settings=change.settings),)


def only_tightens(before: Settings, after: Settings) -> bool:
    """Whether the change only restricts something and can lock no one out.

    A change of a time or quota never counts as tightening, because it has two sides: too short a time ends
    everything.
    """
    switches = (after.unprotected, after.allow_unlicensed_admins, after.governance_own_signature)
    same = Settings(
        expiry_ms=after.expiry_ms,
        lease_ms=after.lease_ms,
        visibility_ms=after.visibility_ms,
        open_requests_max=after.open_requests_max,
        commands_per_minute=after.commands_per_minute,
        remembered_commands=after.remembered_commands,
        allow_unlicensed_admins=before.allow_unlicensed_admins,
        unprotected=before.unprotected,
        governance_own_signature=before.governance_own_signature,
        vanish_max_percent=max(before.vanish_max_percent, after.vanish_max_percent),
    )
    return same == before and switches in {
        (unprotected, unlicensed, own_signature)
        for unprotected in (before.unprotected, "refuse")
        for unlicensed in (before.allow_unlicensed_admins, True)
        for own_signature in (before.governance_own_signature, True)
    }


def settings_difference(before: Settings, after: Settings) -> tuple[FieldChange, ...]:
    """The settings that differ, with times in words."""
    fields = Settings.__struct_fields__
    return changed_fields(
        *(
            (name.removesuffix("_ms"), setting_text(before, name), setting_text(after, name))
            for name in fields
        )
    )


def setting_text(settings: Settings, name: str) -> str:
    """One setting as text for people."""
    value = getattr(settings, name)
    if name.endswith("_ms"):
        return duration(value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    text = f"{value:,}" if isinstance(value, int) else str(value)
    return f"{text}%" if name.endswith("_percent") else text


CHANGE_SETTINGS: Final = ChangeRules[ChangeSettings](
    decide=lambda governance, change, _at: change_settings(governance, change),
    sentence=lambda change, governance: (
        f"Change settings: {becomes(settings_difference(governance.settings, change.settings))}."
    ),
    difference=lambda change, governance: settings_difference(governance.settings, change.settings),
    why_approval=lambda governance, change, _asker: (
        None if only_tightens(governance.settings, change.settings) else "it loosens a setting"
    ),
)
