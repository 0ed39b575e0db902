"""Replace writers with the recovery key while no decider leads: one record that this key itself seals.

See infra/decisions/0022-writers-change-and-can-be-recovered.md.
"""

import msgspec
from aiokafka.errors import UnknownTopicOrPartitionError

from assent.decider.broker_time import ask_time
from assent.decider.clocks import APART_MS
from assent.decider.governance_takeover import GovernanceLead, take_over_governance
from assent.decider.wall_clock_watch import MachineClock
from assent.ledger.appender import Appender, LostLeadError
from assent.observe.failure_reasons import clocks_apart
from assent_contracts.client.connection import Connection
from assent_contracts.client.follower import NotFoundedError
from assent_contracts.client.keys import SecretKey, verify_signature
from assent_contracts.client.publisher import new_command_id, now_ms
from assent_contracts.codec import encode
from assent_contracts.core.governance.field_limits import refuse
from assent_contracts.core.governance.handle import handle_recovery
from assent_contracts.core.governance.receive import governance_received_again
from assent_contracts.core.writer.batch import Batch
from assent_contracts.core.writer.chain import Chain
from assent_contracts.digests import to_base64url
from assent_contracts.evidence.command_signatures import CommandSignatures, signed_command
from assent_contracts.governance_messages import (
    GOVERNANCE_KEY,
    GovernanceEvent,
    RecoverWriters,
    RecoveryCommand,
)
from assent_contracts.governance_objects import Writer
from assent_contracts.ledger import RecordedCommand
from assent_contracts.refusals import Refusal, RefusalCode
from assent_contracts.signing import command_message
from assent_contracts.topics import HEADS
from assent_contracts.writer_registry import RECOVERY

_TRIES = 20
"""Another writer's records may come first each time. The command is then decided again after them."""
RETIRE_ALL = "all"
"""Instead of ids: every writer that is listed at the time of the decision."""


class Recovered(msgspec.Struct, frozen=True, kw_only=True):
    """The governance record that changed the writers, and who the writers are now."""

    seq: int
    events: tuple[GovernanceEvent, ...]
    writers: tuple[str, ...]


async def recover_writers(
    connection: Connection,
    identity: str,
    key: SecretKey,
    *,
    add: tuple[Writer, ...],
    retire: tuple[str, ...],
) -> Recovered | Refusal:
    """Add and retire writers with the recovery key. `retire` may be (RETIRE_ALL,).

    Raises NotFoundedError, KafkaError, TimeoutError.
    """
    # It seals under this id, whatever id its file contains.
    key.id = RECOVERY
    for _ in range(_TRIES):
        lead = await take_over_governance(connection, identity)
        if lead.writer.desk.governance.seq < 0:
            msg = "The governance ledger does not begin with the record that the identity names."
            raise NotFoundedError(msg)
        listed = tuple(sorted(lead.writer.desk.governance.writers))
        command = RecoverWriters(
            id=new_command_id(),
            principal=RECOVERY,
            at=now_ms(),
            add=add,
            retire=listed if retire == (RETIRE_ALL,) else retire,
        )
        try:
            return await _recover(connection, identity, key, lead, command)
        except LostLeadError:
            continue
    return refuse(RefusalCode.OUTDATED, "Other writers wrote to governance each time. Try again.")


async def _recover(
    connection: Connection, identity: str, key: SecretKey, lead: GovernanceLead, command: RecoverWriters
) -> Recovered | Refusal:
    decided = await record_by_recovery(connection, identity, key, lead, command)
    if isinstance(decided, Refusal):
        return decided
    seq, events = decided
    after = lead.writer.desk.governance.after(events)
    return Recovered(seq=seq, events=events, writers=tuple(sorted(after.writers)))


async def _misdated(connection: Connection, at: int) -> Refusal | None:
    """Why the time (ms) on a recovery command is too far off for it to be recorded; None if it is not.

    No decider checks that time. If it were ahead, log time would stay ahead of the clocks, and commands of
    administrators would be refused as stale.
    """
    try:
        seen = await ask_time(connection, MachineClock())
    except (UnknownTopicOrPartitionError, TimeoutError):
        seen = None
    if seen is None:
        return refuse(
            RefusalCode.STALE,
            f"No broker gives the time: the topic {HEADS} is missing, or keeps senders' time."
            " Run `assent topics apply` to fix it.",
        )
    if abs(seen.appended - at) > APART_MS:
        return refuse(RefusalCode.STALE, clocks_apart(seen.appended, at).why)
    return None


async def record_by_recovery(
    connection: Connection, identity: str, key: SecretKey, lead: GovernanceLead, command: RecoveryCommand
) -> tuple[int, tuple[GovernanceEvent, ...]] | Refusal:
    """Append a command's decision after the lead's head, sealed by the recovery key. Returns seq and events.

    Raises LostLeadError when another record came first, KafkaError, TimeoutError.
    """
    value = encode(command)
    signature = to_base64url(key.sign(command_message(identity, value)))
    recorded = RecordedCommand(value=msgspec.Raw(value), key=RECOVERY, signature=signature)
    received = governance_received_again(recorded)
    if isinstance(received, Refusal):
        return received
    record, writer = lead.writer.desk.record, lead.writer
    governance, at = record.governance, max(record.at, command.at)
    good = CommandSignatures(identity, verify_signature).is_good(
        signed_command(received, governance.recovery)
    )
    decision = handle_recovery(record, received, signature_good=good)
    if isinstance(decision, Refusal):
        return decision
    misdated = await _misdated(connection, command.at)
    if misdated is not None:
        return misdated
    chain = Chain(writer.head, writer.epoch)
    link = chain.link(GOVERNANCE_KEY, decision, at=at, command=recorded)
    appender = Appender(connection, key, confirmed=lead.term.head, acceptance_from=lead.acceptance_from)
    try:
        await appender.start()
        await appender.append(Batch([link], chain.head(-1, next_offset=0), at))
        await appender.flush()
    finally:
        await appender.stop()
    return chain.seq, decision
