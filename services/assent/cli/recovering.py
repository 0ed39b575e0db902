"""`assent writers recover`."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from assent.cli import output
from assent.cli.answers import print_refusal
from assent.cli.log_access import UnreachableError
from assent.cli.options import Options
from assent.cli.up import log_to_file
from assent.decider.governance_takeover import take_over_governance
from assent.decider.recovery import RETIRE_ALL, recover_writers
from assent.local import Directory, Stack, StackNotRunning
from assent.local.founded import read_founded
from assent.settings import read_connection
from assent_contracts.client.connection import Connection
from assent_contracts.client.keys import load_key
from assent_contracts.digests import to_base64url
from assent_contracts.governed import Writer
from assent_contracts.refusals import WHAT_TO_DO, Refusal


def recover(
    public: str | None,
    *,
    key_id: str | None,
    retire: tuple[str, ...],
    retire_all: bool,
    recovery_key: Path,
    dry_run: bool,
    options: Options,
) -> None:
    """Add and retire writers; 2 when that is refused."""
    if (public is None) != (key_id is None):
        output.fail("Name the writer to add by its public key and its id: PUBLIC --id ID.")
    if retire and retire_all:
        output.fail("Take one of --retire and --retire-all.")
    if public is None and not retire and not retire_all:
        output.fail("Say which writer to add, PUBLIC --id ID, or to retire, --retire ID.")
    add = () if public is None or key_id is None else (Writer(id=key_id, public_key=public),)
    key = load_key(recovery_key)
    log_to_file(options)

    async def run() -> None:
        async with _log(options) as (connection, identity):
            if dry_run:
                await _tell_writers(connection, identity, options)
                return
            done = await recover_writers(
                connection, identity, key, add=add, retire=(RETIRE_ALL,) if retire_all else retire
            )
        if isinstance(done, Refusal):
            print_refusal(done, WHAT_TO_DO[done.code], None, as_json=options.json)
            sys.exit(output.REFUSED)
        if options.json:
            output.print_json(done)
            return
        output.say(
            f"Changed the writers, in governance record {done.seq}. Writers: {', '.join(done.writers)}."
        )
        output.say("Start the decider with the key of one of them, and put the recovery key away again.")

    asyncio.run(run())


async def _tell_writers(connection: Connection, identity: str, options: Options) -> None:
    governance = (await take_over_governance(connection, identity)).writer.desk.governance
    writers = {name: to_base64url(key) for name, key in governance.writers.items()}
    if options.json:
        output.print_json({"dry_run": True, "writers": writers})
        return
    for name, public_key in writers.items():
        output.say(f"writer {name}: {public_key}")
    output.say("Nothing was changed: this was a dry run.")


@asynccontextmanager
async def _log(options: Options) -> AsyncIterator[tuple[Connection, str]]:
    """The log to recover, with its Kafka, which is started for the while where nothing runs on --data."""
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
        output.tell("Starting Kafka for the while.")
        async with Stack(directory.root, progress=output.tell) as stack:
            yield Connection(bootstrap=stack.bootstrap), identity
        return
    yield Connection(bootstrap=bootstrap), identity
