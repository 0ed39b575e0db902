"""Commands about settings."""

from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import App, Parameter
from cyclopts.validators import Number

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
    from assent_contracts.governance_changes import CorrectTime, GovernanceChange

settings = App(name="settings", group="Governance", help="Times, limits and switches for all requests.")

Duration = Annotated[str | None, Parameter(help="Such as 30d, 12h, 5m or 90s.")]


@settings.command(name="show")
def show_settings(*, access: AccessOptions = DEFAULT_ACCESS, options: Options = DEFAULT_OPTIONS) -> None:
    """Show the settings."""
    import msgspec

    from assent.cli.connection.log_selection import governance_now
    from assent.cli.governance_tables import print_facts
    from assent_contracts.core.governance.settings import setting_text
    from assent_contracts.governance_objects import Settings

    found = governance_now(access, options).settings
    if options.json:
        output.print_json(msgspec.structs.asdict(found))
        return
    print_facts((name.removesuffix("_ms"), setting_text(found, name)) for name in Settings.__struct_fields__)


@settings.command(name="set")
def set_settings(
    *,
    expiry: Duration = None,
    lease: Duration = None,
    visibility: Duration = None,
    allow_unlicensed_admins: Annotated[
        bool | None, Parameter(help="R5: every approver group must be in a role assignment.")
    ] = None,
    unprotected: Annotated[
        Literal["refuse", "pass"] | None,
        Parameter(help="R18: what happens to changes of types that no policy protects."),
    ] = None,
    open_requests_max: Annotated[
        int | None, Parameter(validator=Number(gte=1), help="Open requests of one account in a partition.")
    ] = None,
    commands_per_minute: Annotated[
        int | None,
        Parameter(validator=Number(gte=1), help="Commands of one account to a partition in a minute."),
    ] = None,
    remembered_commands: Annotated[
        int | None,
        Parameter(
            validator=Number(gte=1),
            help="Ids of one account's commands that a partition remembers for a day.",
        ),
    ] = None,
    vanish_max_percent: Annotated[
        int | None,
        Parameter(
            validator=Number(gte=0, lte=100),
            help="How much of the directory may vanish in one sync, in percent.",
        ),
    ] = None,
    governance_own_signature: Annotated[
        bool | None,
        Parameter(help="Whether changes to governance are approved with the approver's own key only."),
    ] = None,
    change_options: ChangeOptions = DEFAULT_CHANGE_OPTIONS,
    access: AccessOptions = DEFAULT_ACCESS,
    options: Options = DEFAULT_OPTIONS,
) -> None:
    """Change settings; the others stay. A change that loosens one needs a second administrator."""
    import msgspec

    from assent.cli.governance_change import change_governance, milliseconds
    from assent_contracts.governance_changes import SETTINGS, ChangeSettings

    named = {
        "allow_unlicensed_admins": allow_unlicensed_admins,
        "unprotected": unprotected,
        "open_requests_max": open_requests_max,
        "commands_per_minute": commands_per_minute,
        "remembered_commands": remembered_commands,
        "vanish_max_percent": vanish_max_percent,
        "governance_own_signature": governance_own_signature,
    }
    fields = {name: value for name, value in named.items() if value is not None}
    for option, text in (("expiry", expiry), ("lease", lease), ("visibility", visibility)):
        if text is not None:
            fields[f"{option}_ms"] = milliseconds(f"--{option}", text)
    if not fields:
        output.fail("Name a setting: `assent settings set --help` lists them.")

    def changed(governance: "Governance") -> "GovernanceChange":
        settings = msgspec.structs.replace(governance.settings, **fields)
        return ChangeSettings(settings=settings, version=governance.version(SETTINGS))

    change_governance(changed, change_options=change_options, access=access, options=options)


@settings.command(name="correct-time")
def correct_time(
    to: Annotated[
        str, Parameter(help="The latest that log time can be, in UTC: 2026-11-24T10:00, or `now`.")
    ],
    *,
    change_options: ChangeOptions = DEFAULT_CHANGE_OPTIONS,
    access: AccessOptions = DEFAULT_ACCESS,
    options: Options = DEFAULT_OPTIONS,
) -> None:
    """Set log time back where it ran ahead, after clocks were corrected. A second administrator must approve.

    Example: assent settings correct-time now -j "The broker's clock was a month ahead" --as bob
    """
    from assent.cli.governance_change import change_governance

    change = time_correction(to)
    change_governance(lambda _: change, change_options=change_options, access=access, options=options)


def time_correction(to: str) -> "CorrectTime":
    """The change that sets log time back to a moment in UTC, or to `now`. Exits where it is neither."""
    from datetime import UTC, datetime

    from assent_contracts.client.publisher import now_ms
    from assent_contracts.governance_changes import CorrectTime

    if to == "now":
        return CorrectTime(to=now_ms())
    try:
        found = datetime.fromisoformat(to)
    except ValueError:
        output.fail(f"{to!r} is not a time: write 2026-11-24T10:00, in UTC, or now.")
    in_utc = found if found.tzinfo else found.replace(tzinfo=UTC)
    return CorrectTime(to=int(in_utc.timestamp() * 1_000))
