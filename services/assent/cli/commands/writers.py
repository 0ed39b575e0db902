"""Commands about the keys that seal the log."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import App, Parameter

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
    from assent_contracts.client.connection import Connection
    from assent_contracts.client.keys import SecretKey
    from assent_contracts.governance_objects import Writer

writers = App(name="writers", group="Governance", help="Writers: the deciders' keys, which seal the log.")

PublicKeyArgument = Annotated[
    str,
    Parameter(allow_leading_hyphen=True, help="The public key, as `assent keys new` prints it (base64url)."),
]
WriterId = Annotated[str, Parameter(name="--id", help="The writer's id, as its key file names it.")]


@writers.command(name="list")
def list_writers(*, access: AccessOptions = DEFAULT_ACCESS, options: Options = DEFAULT_OPTIONS) -> None:
    """List the writers whose seals count, and those that were retired."""
    from assent.cli.connection.log_selection import governance_now
    from assent.cli.governance_tables import print_table
    from assent_contracts.digests import to_base64url

    governance = governance_now(access, options)
    keys = {name: to_base64url(key) for name, key in governance.writers.items()}
    names = sorted(governance.writer_ids)
    if options.json:
        output.print_json(
            [{"id": name, "public_key": keys.get(name), "retired": name not in keys} for name in names]
        )
        return
    rows = ((name, "listed" if name in keys else "retired", keys.get(name, "")) for name in names)
    print_table(("writer", "status", "public key"), rows, empty="No writers.")


@writers.command(name="add")
def add_writer(
    public: PublicKeyArgument,
    *,
    key_id: WriterId,
    change_options: ChangeOptions = DEFAULT_CHANGE_OPTIONS,
    access: AccessOptions = DEFAULT_ACCESS,
    options: Options = DEFAULT_OPTIONS,
) -> None:
    """Add a writer: a decider with this key may write the log too. A second administrator must approve.

    Example: assent writers add V0xw...aM8 --id writer-2 -j "The old disk is worn" --as bob
    """
    from assent.cli.governance_change import change_governance
    from assent_contracts.governance_changes import AddWriter
    from assent_contracts.governance_objects import Writer

    writer = Writer(id=key_id, public_key=public)
    change_governance(
        lambda _: AddWriter(writer=writer),
        change_options=change_options,
        access=access,
        options=options,
    )


@writers.command(name="retire")
def retire_writer(
    writer: Annotated[str, Parameter(help="The writer's id; `assent writers list` lists them.")],
    *,
    change_options: ChangeOptions = DEFAULT_CHANGE_OPTIONS,
    access: AccessOptions = DEFAULT_ACCESS,
    options: Options = DEFAULT_OPTIONS,
) -> None:
    """Retire a writer for good: its key no longer seals records. A second administrator must approve.

    Start a decider with another writer's key first, or nothing is decided.
    """
    from assent.cli.governance_change import change_governance
    from assent_contracts.governance_changes import RetireWriter

    change_governance(
        lambda _: RetireWriter(writer=writer),
        change_options=change_options,
        access=access,
        options=options,
    )


@writers.command(name="recover")
def recover(
    public: Annotated[
        str | None,
        Parameter(allow_leading_hyphen=True, help="The public key of a writer to add (base64url)."),
    ] = None,
    *,
    key_id: Annotated[str | None, Parameter(name="--id", help="The id of the writer to add.")] = None,
    retire: Annotated[
        tuple[str, ...], Parameter(negative="", help="A writer to retire; repeat it for several.")
    ] = (),
    retire_all: Annotated[
        bool,
        Parameter(negative="", show_default=False, help="Retire every writer except the one that is added."),
    ] = False,
    recovery_key: Annotated[Path, Parameter(help="The file of the recovery key.")],
    dry_run: Annotated[
        bool, Parameter(negative="", show_default=False, help="Change nothing: print the writers.")
    ] = False,
    options: Options = DEFAULT_OPTIONS,
) -> None:
    """Replace writers with the recovery key alone, when their keys are lost or stolen.

    It needs Kafka, and no decider. The log is that of --data, running or not, or the one that ASSENT_KAFKA
    and ASSENT_IDENTITY name.

    Example: assent writers recover V0xw...aM8 --id writer-2 --retire-all --recovery-key /mnt/usb/recovery.key
    """
    import asyncio

    from assent.cli.process_log import log_to_file
    from assent_contracts.client.keys import load_key
    from assent_contracts.governance_objects import Writer

    if (public is None) != (key_id is None):
        output.fail("Name the writer to add by its public key and its id: PUBLIC --id ID.")
    if retire and retire_all:
        output.fail("Use one of --retire and --retire-all.")
    if public is None and not retire and not retire_all:
        output.fail("Name a writer to add, PUBLIC --id ID, or to retire, --retire ID.")
    add = () if public is None or key_id is None else (Writer(id=key_id, public_key=public),)
    key = load_key(recovery_key)
    log_to_file(options)
    asyncio.run(_recover(key, add, retire, options, retire_all=retire_all, dry_run=dry_run))


async def _recover(
    key: "SecretKey",
    add: tuple["Writer", ...],
    retire: tuple[str, ...],
    options: Options,
    *,
    retire_all: bool,
    dry_run: bool,
) -> None:
    """Add and retire writers with the recovery key. Exits with 2 when that is refused."""
    from assent.cli.decision_output import refuse_unsent
    from assent.decider.writer_recovery import RETIRE_ALL, recover_writers
    from assent_contracts.refusals import WHAT_TO_DO, Refusal

    async with _kafka_of_log(options) as (connection, identity):
        if dry_run:
            await _print_writers(connection, identity, options)
            return
        retired = (RETIRE_ALL,) if retire_all else retire
        done = await recover_writers(connection, identity, key, add=add, retire=retired)
    if isinstance(done, Refusal):
        refuse_unsent(done, WHAT_TO_DO[done.code], options)
    if options.json:
        output.print_json(done)
        return
    output.print_line(
        f"Changed the writers, in governance record {done.seq}. Writers: {', '.join(done.writers)}."
    )
    output.print_line("Start the decider with the key of one of them, and put the recovery key away again.")


async def _print_writers(connection: "Connection", identity: str, options: Options) -> None:
    from assent.decider.governance_takeover import take_over_governance
    from assent_contracts.digests import to_base64url

    governance = (await take_over_governance(connection, identity)).writer.desk.governance
    writers = {name: to_base64url(key) for name, key in governance.writers.items()}
    if options.json:
        output.print_json({"dry_run": True, "writers": writers})
        return
    for name, public_key in writers.items():
        output.print_line(f"writer {name}: {public_key}")
    output.print_line("Nothing was changed: this was a dry run.")


@asynccontextmanager
async def _kafka_of_log(options: Options) -> AsyncIterator[tuple["Connection", str]]:
    """The log to recover. Its Kafka is started for this command where nothing runs on --data."""
    import os

    from assent.cli.connection.log_access import UnreachableError
    from assent.local import Directory, Stack, StackNotRunning
    from assent.local.founded_log import read_founded
    from assent.process_settings import read_connection
    from assent_contracts.client.connection import Connection

    if "ASSENT_KAFKA" in os.environ:
        if "ASSENT_IDENTITY" not in os.environ:
            raise UnreachableError("ASSENT_KAFKA is set, so set ASSENT_IDENTITY too.")
        yield read_connection(os.environ), os.environ["ASSENT_IDENTITY"]
        return
    directory = Directory(options.data.resolve())
    identity = read_founded(directory).identity
    try:
        bootstrap = directory.read_env()["bootstrap"]
    except StackNotRunning:
        output.print_progress("Starting Kafka for this command.")
        async with Stack(directory.root, progress=output.print_progress) as stack:
            yield Connection(bootstrap=stack.bootstrap), identity
        return
    yield Connection(bootstrap=bootstrap), identity
