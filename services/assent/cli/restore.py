"""Commands for the day on which a part of the log is lost."""

from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter

from assent.cli.options import DEFAULT_OPTIONS, Options

restore = App(name="restore", group="System", help="Go on after a part of the log was lost.")


@restore.command(name="accept")
def accept(
    *,
    recovery_key: Annotated[Path, Parameter(help="The file of the recovery key.")],
    yes: Annotated[bool, Parameter(negative="", show_default=False, help="Do not ask.")] = False,
    dry_run: Annotated[
        bool, Parameter(negative="", show_default=False, help="Change nothing: print what would be given up.")
    ] = False,
    heads: Annotated[
        tuple[Path, ...],
        Parameter(negative="", help="A decider's file of heads, where it is not in --data; several times."),
    ] = (),
    options: Options = DEFAULT_OPTIONS,
) -> None:
    """Let the log continue from where it ends now; what was known beyond it is given up for good.

    Only when no newer copy of Kafka's data is left: docs/how-to/restore.md says what to try first. It needs
    Kafka, and no decider. The log is that of --data while `assent up` does not run, or that which
    ASSENT_KAFKA, ASSENT_IDENTITY and ASSENT_POSTGRES name. It lists by name what is given up, as far as
    Postgres knows it. Run `assent restore rebuild` after it.

    Example: assent restore accept --recovery-key /mnt/usb/recovery.key
    """
    from assent.cli import restoring

    restoring.accept(recovery_key, yes=yes, dry_run=dry_run, heads=heads, options=options)


@restore.command(name="rebuild")
def rebuild(
    *,
    yes: Annotated[bool, Parameter(negative="", show_default=False, help="Do not ask.")] = False,
    options: Options = DEFAULT_OPTIONS,
) -> None:
    """Empty the tables of status and audit: they are projected again from the ledgers as they are.

    What was sent to people, who is signed in and which heads are known stays. The login that ASSENT_POSTGRES
    names must own the tables.
    """
    from assent.cli import restoring

    restoring.rebuild(yes=yes, options=options)
