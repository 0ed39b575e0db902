"""Found a log: decide the file's commands, chain and seal them, and append them to an empty topic."""

from pathlib import Path

import msgspec
from aiokafka import TopicPartition

from assent.founding.founding_commands import FOUNDER, founding_commands
from assent.founding.governance_file import GovernanceFile, GovernanceFileError
from assent.ledger.appender import Appender
from assent_contracts.acceptance import Acceptance, Head, first_head
from assent_contracts.client.connection import Connection
from assent_contracts.client.keys import SecretKey, load_key, verify_signature
from assent_contracts.client.partition_contents import partition_contents
from assent_contracts.codec import encode
from assent_contracts.core.governance.decide import decide_founding
from assent_contracts.core.governance.state import Governance
from assent_contracts.core.writer.batch import Batch, has_room, link_size
from assent_contracts.core.writer.chain import Chain, Link
from assent_contracts.digests import sha256_hex, to_base64url
from assent_contracts.governance_changes import (
    AssignRole,
    CreatePolicy,
    DefineGroup,
    GovernanceChange,
    RegisterKey,
    RegisterPrincipal,
)
from assent_contracts.governance_codec import decode_governance_command
from assent_contracts.governance_messages import ChangeGovernance, GovernanceCommand
from assent_contracts.governance_objects import Founding, SigningKey
from assent_contracts.ledger import RecordedCommand
from assent_contracts.limits import FOR_EVER_MS
from assent_contracts.refusals import WHAT_TO_DO, Refusal, RefusalCode
from assent_contracts.signing import NO_IDENTITY, command_message
from assent_contracts.topics import GOVERNANCE
from assent_contracts.writer_registry import WriterRegistry

WRITER_KEY = "writer.key"
"""The name of the decider's key file."""
RECOVERY_KEY = "recovery.key"
"""The name of the recovery key's file, until someone moves it to a safe place."""


class FoundingRefusedError(Exception):
    """The rules refuse what the file asks for; the message has the code and a remedy."""


class AlreadyFoundedError(Exception):
    """The governance topic is not empty: this log was founded before."""


class Founded(msgspec.Struct, frozen=True, kw_only=True):
    """A founded log."""

    identity: str
    records: int


def keys_to_make(file: GovernanceFile, folder: Path) -> dict[str, tuple[SigningKey, SecretKey]]:
    """A key for each principal that has none in the file, by principal id. Nothing is written.

    A key file of the principal that is already in `folder` is used as it is. It may come from `assent keys
    new`, or from a founding that was cut short. Raises KeyFileError, GovernanceFileError.
    """
    with_key = {key.principal for key in file.keys}
    made: dict[str, tuple[SigningKey, SecretKey]] = {}
    for principal in file.principals:
        if principal.id in with_key:
            continue
        path = folder / f"{principal.id}.key"
        if path.parent != folder or path.name in (WRITER_KEY, RECOVERY_KEY):
            msg = f"principal {principal.id!r}: no key file can have this name; register a key in [[keys]]."
            raise GovernanceFileError(msg)
        secret = load_key(path) if path.exists() else SecretKey(f"{principal.id}-1", principal.id)
        if secret.principal != principal.id:
            msg = f"{path} is a key of {secret.principal!r}, not of {principal.id!r}: move it elsewhere."
            raise GovernanceFileError(msg)
        public = SigningKey(
            id=secret.id,
            principal=principal.id,
            public_key=secret.public,
            not_before=0,
            not_after=FOR_EVER_MS,
        )
        made[principal.id] = (public, secret)
    return made


def save_keys(keys: dict[Path, SecretKey]) -> None:
    """Write the key files that are missing. Raises OSError."""
    for path, secret in keys.items():
        if not path.exists():
            secret.save(path)


def founding_links(
    file: GovernanceFile,
    *,
    writers: dict[str, str],
    recovery: str,
    partitions: int,
    made_keys: dict[str, SigningKey],
    at_ms: int,
) -> list[Link]:
    """The log's first records. Raises FoundingRefusedError, GovernanceFileError.

    `writers`, `recovery`: public keys (base64url); the writers' by their ids.

    The founder's key exists only during this call: nothing can be signed with it afterwards.
    """
    founder = SecretKey(FOUNDER, FOUNDER)
    founding = Founding(founder=founder.public, recovery=recovery, writers=writers, partitions=partitions)
    governance, chain = Governance(), Chain(first_head("governance", NO_IDENTITY), epoch=1)
    links: list[Link] = []
    identity = NO_IDENTITY
    for command in founding_commands(file, founding, made_keys, at_ms):
        value = encode(command)
        # Decide what readers will decode from the ledger, within the limits that apply to it.
        read = decode_governance_command(value)
        decision = read if isinstance(read, Refusal) else decide_founding(governance, read, at_ms)
        if isinstance(decision, Refusal):
            msg = f"{_place_of(command)}: {decision.code}. {decision.detail}{_remedy(decision)}"
            raise FoundingRefusedError(msg)
        link = chain.link(b"governance", decision, at=at_ms, command=_recorded(value, founder, identity))
        governance.evolve(chain.seq, decision)
        links.append(link)
        identity = sha256_hex(links[0].value)
    return links


def _place_of(command: GovernanceCommand) -> str:
    """Which table of the file a command comes from."""
    return _place(command.change) if isinstance(command, ChangeGovernance) else "the file as a whole"


def _place(change: GovernanceChange) -> str:
    match change:
        case RegisterPrincipal(account=account):
            return f"principal {account.id!r}"
        case RegisterKey(key=key):
            return f"key {key.id!r}"
        case DefineGroup(group=group):
            return f"group {group.id!r}"
        case AssignRole(assignment=assignment):
            return f"role {assignment.role!r}"
        case CreatePolicy(policy=policy):
            return f"policy {policy.id!r}"
        case _:
            return "the file as a whole"


def _remedy(refusal: Refusal) -> str:
    match refusal.code:
        case RefusalCode.MALFORMED:
            return ""  # the advice is for senders of JSON; the detail names the place
        case RefusalCode.TOO_FEW_ADMINISTRATORS:
            return (
                " Give the role administrator to two people under [[roles]], and each of them a key:"
                " under [[keys]], or with --make-keys."
            )
        case code:
            return f" {WHAT_TO_DO[code]}"


def _recorded(value: bytes, founder: SecretKey, identity: str) -> RecordedCommand:
    signature = to_base64url(founder.sign(command_message(identity, value)))
    return RecordedCommand(value=msgspec.Raw(value), key=founder.id, signature=signature)


async def found(connection: Connection, links: list[Link], writer: SecretKey, at_ms: int) -> Founded:
    """Append the first records to the empty governance topic. Raises AlreadyFoundedError, KafkaError."""
    place = TopicPartition(GOVERNANCE, 0)
    async with partition_contents(connection, place) as contents:
        if contents.end != 0:
            raise AlreadyFoundedError
    identity = sha256_hex(links[0].value)

    def acceptance_from(head: Head) -> Acceptance:
        return Acceptance(
            "governance", 0, identity=identity, writers=WriterRegistry(), verify=verify_signature, head=head
        )

    start = first_head("governance", identity)
    appender = Appender(connection, writer, confirmed=start, acceptance_from=acceptance_from)
    await appender.start()
    try:
        last = -1
        for batch in _batches(links):
            last += len(batch)
            await appender.append(Batch(batch, Head(last, sha256_hex(batch[-1].value)), at_ms))
        await appender.flush()
    finally:
        await appender.stop()
    return Founded(identity=identity, records=len(links))


def _batches(links: list[Link]) -> list[list[Link]]:
    batches: list[list[Link]] = [[]]
    size = 0
    for link in links:
        if not has_room(len(batches[-1]), size):
            batches.append([])
            size = 0
        batches[-1].append(link)
        size += link_size(link)
    return batches
