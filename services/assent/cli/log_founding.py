"""Found a log in a data directory, on the embedded Kafka or a cluster."""

import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from assent.cli import output
from assent.founding.first_records import (
    RECOVERY_KEY,
    WRITER_KEY,
    AlreadyFoundedError,
    Founded,
    found,
    founding_links,
    keys_to_make,
    save_keys,
)
from assent.founding.governance_file import GovernanceFile, read_governance_file
from assent.ledger.topic_creation import TopicsError, apply_topics
from assent.ledger.topic_inspection import request_partitions
from assent.local import Directory, Stack
from assent.local.child_process import end_stale
from assent.local.founded_log import (
    FoundedLog,
    begin_founding,
    end_founding,
    founding_was_cut_short,
    is_founded,
    write_founded,
)
from assent.local.whole_system import KEYS
from assent.process_settings import read_connection
from assent_contracts.client.connection import Connection
from assent_contracts.client.keys import SecretKey, load_key
from assent_contracts.client.publisher import now_ms
from assent_contracts.writer_registry import RECOVERY

_EMBEDDED_PARTITIONS = 4


async def found_log(
    directory: Directory, file: Path, *, partitions: int | None, make_missing_keys: bool
) -> Founded:
    """Found a log, and write its keys and identity into the data directory.

    `partitions`: of its requests; None for as many as the topics of the cluster have, or 4 on the embedded
    Kafka. All checks come before the first write. A founding that was interrupted begins again.

    Raises GovernanceFileError, FoundingRefusedError, AlreadyFoundedError, DirectoryInUse, TopicsError,
    KafkaError.
    """
    read = read_governance_file(file)
    if is_founded(directory):
        raise AlreadyFoundedError
    partitions = await _partitions(partitions)
    at_ms = now_ms()
    writer_path = directory.keys / WRITER_KEY
    # A founding that was interrupted has left its key, which serves as well as a new one.
    writer = load_key(writer_path) if writer_path.exists() else SecretKey("writer-1", "decider")
    recovery_path = directory.keys / RECOVERY_KEY
    recovery = _recovery_to_make(read, recovery_path)
    made = keys_to_make(read, directory.keys) if make_missing_keys else {}
    links = founding_links(
        read,
        writers={writer.id: writer.public},
        recovery=read.recovery_key or recovery.public,
        partitions=partitions,
        made_keys={principal: key for principal, (key, _) in made.items()},
        at_ms=at_ms,
    )
    if not make_missing_keys:
        _warn_of_missing_keys(read)
    await _prepare_directory(directory)
    save_keys(
        {writer_path: writer}
        | ({} if read.recovery_key else {recovery_path: recovery})
        | {directory.keys / f"{secret.principal}.key": secret for _, secret in made.values()}
    )
    async with _kafka(directory, partitions) as connection:
        founded = await found(connection, links, writer, at_ms)
    write_founded(directory, FoundedLog(identity=founded.identity, partitions=partitions))
    end_founding(directory)
    if not read.recovery_key:
        output.print_progress(
            f"{recovery_path} is the recovery key. If the writer's key is lost or stolen, it alone names"
            " another: move it off this machine now and keep it offline."
        )
    if not (directory.keys / KEYS["applier"]).exists():
        output.print_progress(
            f"No {KEYS['applier']} in {directory.keys}: released changes wait for an applier of your own."
        )
    return founded


async def _partitions(wanted: int | None) -> int:
    """How many partitions the new log has. Raises TopicsError if the cluster's topics have another number."""
    if "ASSENT_KAFKA" not in os.environ:
        return _EMBEDDED_PARTITIONS if wanted is None else wanted
    there = await request_partitions(read_connection(os.environ))
    if wanted not in (None, there):
        msg = (
            f"The topics have {there} partitions, and this log would have {wanted}. A log has as many as its"
            f" topics: leave --partitions out, or delete the topics and type"
            f" `assent topics apply --partitions {wanted}`."
        )
        raise TopicsError(msg)
    return there


def _recovery_to_make(file: GovernanceFile, path: Path) -> SecretKey:
    """The recovery key: a new one, or that of a founding that was interrupted."""
    if file.recovery_key is None and path.exists():
        return load_key(path)
    return SecretKey(RECOVERY, RECOVERY)


@asynccontextmanager
async def _kafka(directory: Directory, partitions: int) -> AsyncIterator[Connection]:
    """The cluster of ASSENT_KAFKA, which has its topics already; else the embedded Kafka, started here."""
    if "ASSENT_KAFKA" in os.environ:
        yield read_connection(os.environ)
        return
    output.print_progress("Founding: starting Kafka, writing the first records.")
    async with Stack(directory.root, progress=output.print_progress) as stack:
        connection = Connection(bootstrap=stack.bootstrap)
        (await apply_topics(connection, partitions=partitions)).must_fit()
        yield connection


async def _prepare_directory(directory: Directory) -> None:
    directory.create()
    with directory.owned():
        if is_founded(directory):
            raise AlreadyFoundedError
        if founding_was_cut_short(directory):
            output.print_progress("An earlier `assent init` was interrupted here: beginning again.")
            await end_stale("kafka", directory=directory)
            shutil.rmtree(directory.kafka, ignore_errors=True)
        elif directory.kafka.exists():
            # A log without its founded.json is not removed. `found` refuses it if it has records.
            return
        begin_founding(directory)


def _warn_of_missing_keys(file: GovernanceFile) -> None:
    with_key = {key.principal for key in file.keys}
    without = [principal.id for principal in file.principals if principal.id not in with_key]
    if without:
        output.print_progress(
            f"Without a key, and so unable to sign: {', '.join(without)}."
            " `--make-keys` makes keys; [[keys]] in the file registers their own."
        )
