"""Commands about the keys that seal the log."""

from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter

from assent.cli.options import (
    DEFAULT_CHANGING,
    DEFAULT_OPTIONS,
    DEFAULT_SENDER,
    Changing,
    Options,
    Sender,
)

writers = App(name="writers", group="Governance", help="Writers: the deciders' keys, which seal the log.")

Public = Annotated[
    str,
    Parameter(allow_leading_hyphen=True, help="The public key, as `assent keys new` prints it (base64url)."),
]
Id = Annotated[str, Parameter(name="--id", help="The writer's id, as its key file names it.")]


@writers.command(name="list")
def list_writers(*, sender: Sender = DEFAULT_SENDER, options: Options = DEFAULT_OPTIONS) -> None:
    """List the writers whose seals count, and those that were retired."""
    from assent.cli import listing_writers

    listing_writers.writers(sender, options)


@writers.command(name="add")
def add_writer(
    public: Public,
    *,
    key_id: Id,
    changing: Changing = DEFAULT_CHANGING,
    sender: Sender = DEFAULT_SENDER,
    options: Options = DEFAULT_OPTIONS,
) -> None:
    """Let a decider with this key write the log too. A second administrator must approve.

    Example: assent writers add V0xw...aM8 --id writer-2 -j "The old disk is worn" --as bob
    """
    from assent.cli import change_builders
    from assent.cli.changing import change

    change(change_builders.add_writer(public, key_id), changing=changing, sender=sender, options=options)


@writers.command(name="retire")
def retire_writer(
    writer: Annotated[str, Parameter(help="The writer's id; `assent writers list` lists them.")],
    *,
    changing: Changing = DEFAULT_CHANGING,
    sender: Sender = DEFAULT_SENDER,
    options: Options = DEFAULT_OPTIONS,
) -> None:
    """Let a writer's key seal nothing any more, for good. A second administrator must approve.

    Start a decider with another writer's key first: without one nothing is decided.
    """
    from assent.cli import change_builders
    from assent.cli.changing import change

    change(change_builders.retire_writer(writer), changing=changing, sender=sender, options=options)


@writers.command(name="recover")
def recover(
    public: Annotated[
        str | None,
        Parameter(allow_leading_hyphen=True, help="The public key of a writer to add (base64url)."),
    ] = None,
    *,
    key_id: Annotated[str | None, Parameter(name="--id", help="The id of the writer to add.")] = None,
    retire: Annotated[
        tuple[str, ...], Parameter(negative="", help="A writer to retire; several times for several.")
    ] = (),
    retire_all: Annotated[
        bool,
        Parameter(negative="", show_default=False, help="Retire every writer but the one that is added."),
    ] = False,
    recovery_key: Annotated[Path, Parameter(help="The file of the recovery key.")],
    dry_run: Annotated[
        bool, Parameter(negative="", show_default=False, help="Change nothing: print who the writers are.")
    ] = False,
    options: Options = DEFAULT_OPTIONS,
) -> None:
    """Replace writers with the recovery key alone, when their keys are lost or stolen.

    It needs Kafka, and no decider. The log is that of --data, whether it runs or not, or that which
    ASSENT_KAFKA and ASSENT_IDENTITY name.

    Example: assent writers recover V0xw...aM8 --id writer-2 --retire-all --recovery-key /mnt/usb/recovery.key
    """
    from assent.cli import recovering

    recovering.recover(
        public,
        key_id=key_id,
        retire=retire,
        retire_all=retire_all,
        recovery_key=recovery_key,
        dry_run=dry_run,
        options=options,
    )
