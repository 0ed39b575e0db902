"""GET /api/v1/settings: the times, limits and switches that apply to every request."""

import msgspec
from litestar import Response, get

from assent.gateway.api.governance_pages import GOVERNANCE, versioned
from assent_contracts.core.governance.settings import setting_text
from assent_contracts.core.governance.state import Governance
from assent_contracts.governance_changes import SETTINGS
from assent_contracts.governance_objects import Settings


class SettingsView(msgspec.Struct, frozen=True, kw_only=True):
    """The current settings. `settings` omits default values; `words` has all."""

    settings: Settings
    version: int | None
    """A change to the settings must name it; null as long as they were never changed."""
    words: dict[str, str]
    """Each setting for people: `expiry_ms` is `30 days`."""


def settings_view(governance: Governance) -> SettingsView:
    """The settings with their version, and in words."""
    settings = governance.settings
    return SettingsView(
        settings=settings,
        version=governance.version(SETTINGS),
        words={name: setting_text(settings, name) for name in Settings.__struct_fields__},
    )


@get("/settings", dependencies=GOVERNANCE, operation_id="showSettings")
async def show_settings(governance: Governance) -> Response[SettingsView]:
    """Show the settings."""
    return versioned(governance, settings_view(governance))
