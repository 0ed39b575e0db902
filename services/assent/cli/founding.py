"""Commands that set a log up: init, keys new, topics apply."""

import asyncio
import os
from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter

from assent.cli import output
from assent.cli.options import Options
from assent.founding.file import GovernanceFileError, read_governance_file
from assent.founding.found import (
    AlreadyFoundedError,
    Founded,
    FoundingRefusedError,
    found,
    founding_links,
    make_keys,
)
from assent.ledger.topics import apply_topics
from assent.local import Directory, DirectoryInUse, Stack
from assent.local.everything import WRITER_KEY
from assent.local.founded import FoundedLog, write_founded
from assent.settings import read_connection
from assent_contracts.client.connection import Connection
from assent_contracts.client.keys import SecretKey, load_key
from assent_contracts.client.publisher import now_ms
from assent_contracts.limits import NAME_MAX_CHARS

_DEFAULT_OPTIONS = Options()
keys = App(name="keys", group="System", help="Signing keys.")
topics = App(name="topics", group="System", help="Kafka topics.")


def init(
    file: Annotated[Path, Parameter(help="The governance file (TOML): people, groups, roles, policies.")],
    *,
    make_missing_keys: Annotated[
        bool,
        Parameter(
            name="--make-keys", negative="", help="Make a key for each principal that has none in FILE."
        ),
    ] = False,
    partitions: Annotated[int, Parameter(help="Partitions of the request ledger, fixed for good.")] = 4,
    options: Options = _DEFAULT_OPTIONS,
) -> None:
    """Found a new log from a governance file: who there is, who may do what."""
    directory = Directory(options.data.resolve())
    try:
        founded = asyncio.run(
            found_locally(directory, file, partitions=partitions, make_missing_keys=make_missing_keys)
        )
    except (GovernanceFileError, FoundingRefusedError) as error:
        output.fail(str(error), output.REFUSED)
    except AlreadyFoundedError:
        output.fail(f"{options.data} holds a founded log already; choose another --data.", output.REFUSED)
    except DirectoryInUse as error:
        output.fail(f"{error}. `assent init` starts Kafka itself.")
    if options.json:
        output.print_json(founded)
        return
    output.out.print(
        f"Founded a log of {founded.records} governance records in {options.data}.", markup=False
    )
    output.out.print(f"Its identity: {founded.identity}", markup=False)
    output.out.print(f"Next: assent up --data {options.data}", markup=False)


async def found_locally(
    directory: Directory, file: Path, *, partitions: int, make_missing_keys: bool
) -> Founded:
    """Found a log on the embedded Kafka of a data directory.

    Raises GovernanceFileError, FoundingRefusedError, AlreadyFoundedError, DirectoryInUse, KafkaError.
    """
    read = read_governance_file(file)
    if (directory.root / "founded.json").exists():
        raise AlreadyFoundedError
    directory.create()
    writer = _writer_key(directory.keys / WRITER_KEY)
    at_ms = now_ms()
    made = make_keys(read, directory.keys) if make_missing_keys else {}
    links = founding_links(
        read, writers={writer.id: writer.public}, partitions=partitions, made_keys=made, at_ms=at_ms
    )
    async with Stack(directory.root, progress=output.tell) as stack:
        connection = Connection(bootstrap=stack.bootstrap)
        await apply_topics(connection, partitions=partitions)
        founded = await found(connection, links, writer, at_ms)
    write_founded(directory, FoundedLog(identity=founded.identity, partitions=partitions))
    return founded


def _writer_key(path: Path) -> SecretKey:
    # A founding that was cut short has left its key: it is as good as a new one.
    if not path.exists():
        SecretKey("writer-1", "decider").save(path)
    return load_key(path)


@keys.command(name="new")
def new(
    principal: Annotated[str, Parameter(help="The principal that the key signs for.")],
    *,
    key_id: Annotated[
        str | None, Parameter(name="--id", help="The key's id; PRINCIPAL-1 unless said.")
    ] = None,
    out: Annotated[
        Path | None, Parameter(help="Where to write it; DATA/keys/PRINCIPAL.key unless said.")
    ] = None,
    options: Options = _DEFAULT_OPTIONS,
) -> None:
    """Make a signing key; prints the public half, which goes into the governance file."""
    if not principal or len(principal) > NAME_MAX_CHARS or "/" in principal or principal.startswith("."):
        output.fail(f"{principal!r} cannot name a principal here.", output.REFUSED)
    secret = SecretKey(key_id or f"{principal}-1", principal)
    path = out or options.data / "keys" / f"{principal}.key"
    try:
        secret.save(path)
    except FileExistsError:
        output.fail(
            f"{path} is there already; keys are never replaced. Choose another --out.", output.REFUSED
        )
    if options.json:
        output.print_json(
            {"id": secret.id, "principal": principal, "public_key": secret.public, "file": str(path)}
        )
        return
    output.out.print(f"Wrote {path} (keep it secret). For the governance file:\n", markup=False)
    output.out.print(
        f'[[keys]]\nid = "{secret.id}"\nprincipal = "{principal}"\npublic_key = "{secret.public}"',
        markup=False,
    )


@topics.command(name="apply")
def apply(
    *,
    partitions: Annotated[
        int, Parameter(help="Partitions of commands, ledger and changes, fixed for good.")
    ] = 24,
    replication_factor: Annotated[int, Parameter(help="Copies of each partition.")] = 3,
    options: Options = _DEFAULT_OPTIONS,
) -> None:
    """Create the topics of infra/topics.yaml that are missing, on the cluster of ASSENT_KAFKA."""
    connection = read_connection(os.environ)
    created = asyncio.run(
        apply_topics(connection, partitions=partitions, replication_factor=replication_factor)
    )
    if options.json:
        output.print_json(created)
    else:
        output.out.print(f"Created: {', '.join(created) or 'nothing, all are there'}.", markup=False)
