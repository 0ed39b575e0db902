"""Why a process cannot work, and what to do about it: sentences for people, not an error's repr."""

from datetime import UTC, datetime
from typing import Final

from aiokafka.errors import (
    AuthenticationFailedError,
    ClusterAuthorizationFailedError,
    GroupAuthorizationFailedError,
    KafkaConnectionError,
    OffsetOutOfRangeError,
    SaslAuthenticationFailed,
    TopicAuthorizationFailedError,
    UnknownTopicOrPartitionError,
)

from assent.observe.health import Reason
from assent_contracts.client.partition_probe import LedgerDiffersError
from assent_contracts.heads import Finding

_REFUSED: Final = (
    AuthenticationFailedError,
    ClusterAuthorizationFailedError,
    GroupAuthorizationFailedError,
    SaslAuthenticationFailed,
    TopicAuthorizationFailedError,
)
_KAFKA_TODO: Final = "Check that its brokers run and that ASSENT_KAFKA names them; see their logs."
READING: Final = Reason(
    why="It is reading the ledger to its end.",
    todo="Wait: at most a few minutes for a large log. If this persists, see its log.",
)
TAKING_OVER: Final = Reason(
    why="It is taking over the partition, and first reads the ledger to its end.",
    todo="Wait: at most a few minutes for a large log. If this persists, see its log.",
)
STARTING_OVER: Final = Reason(
    why="It lost Kafka and starts over.",
    todo=f"Wait. If this persists: {_KAFKA_TODO[0].lower()}{_KAFKA_TODO[1:]}",
)
FOLLOWING_ENDED: Final = Reason(
    why="It can no longer follow the governance ledger, and starts over.",
    todo="Wait. If this persists, see its log.",
)
NOT_FOUNDED: Final = Reason(
    why="assent.governance does not begin with the record that this log's identity names.",
    todo="Check ASSENT_IDENTITY. If it is right, the topic was emptied or recreated. Restore the newest copy"
    " of Kafka's data (docs/how-to/restore.md); then this continues by itself.",
)
UNCONFIRMED: Final = Reason(
    why="The governance ledger cannot be read to its end, so nothing is decided.",
    todo="Check the broker that leads assent.governance. It continues by itself once that answers.",
)


def stopped_because(what: str) -> Reason:
    """For a partition whose next record could not be decided, which is a fault in Assent.

    `what`: such as "the rules failed on offset 7 of assent.commands".
    """
    return Reason(
        why=f"It has stopped, and nothing is decided here: {what}.",
        todo="Nothing is lost or skipped. Report it with its log, and start a decider that has the fix.",
    )


def clocks_apart(appended: int, wall: int) -> Reason:
    """For a broker's clock and this machine's that differ, with the times (ms) that they gave one append."""
    return Reason(
        why=f"The clocks do not agree, so nothing is decided: the broker's was {_utc(appended)} when this"
        f" machine's was {_utc(wall)}.",
        todo="Set the clock that is wrong. It continues by itself once they agree to within five minutes."
        " What the broker dated wrongly waits for the next command.",
    )


def clock_stepped(step: int, wall: int, *, one_machine: bool) -> Reason:
    """For a wall clock that moved by `step` (ms) more than time did. `wall`: its present time, in ms."""
    way = "ahead" if step > 0 else "back"
    hours, rest = divmod(abs(step) // 60_000, 60)
    how = f"{hours:,} h {rest} min" if hours else f"{rest} min"
    ought = _utc(wall - step)
    return Reason(
        why=f"This machine's clock shows {_utc(wall)}, but by elapsed time it is {ought}: it was"
        f" set {how} {way}. Nothing is decided.",
        todo="If it is wrong, set it; this then continues by itself. If it is right: "
        + ("`assent doctor --accept-clock`." if one_machine else "this continues once a broker confirms it."),
    )


def _utc(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1_000, UTC).strftime("%Y-%m-%d %H:%M:%SZ")


def no_evidence(what: str) -> Reason:
    """For something that a writer has sealed but that no signed command leads to. `what`: a sentence."""
    return Reason(
        why=what,
        todo="Nothing is applied by it. Someone used the writer's key, or the decider is at fault: run"
        " `assent audit verify`, and retire that key.",
    )


def target_lacks(changes: int) -> Reason:
    """For applied changes that are missing from the target of an older state folder."""
    return Reason(
        why=f"{changes:,} objects are not in the target as this applier last applied them: its state folder"
        " and its target are an older copy.",
        todo="Its log names each request (not-held): submit these changes again, or restore the newer copy."
        " See docs/how-to/restore.md. This note stays until the applier is restarted.",
    )


def reason_of(finding: Finding) -> Reason:
    """Why a process does not continue in a part of the log, and what to do."""
    return Reason(why=finding.why, todo=finding.todo, place=finding.place, kind=finding.kind)


def kafka_reason(error: BaseException) -> Reason:
    """For what a Kafka client raises, timeouts included."""
    match error:
        case TimeoutError():
            return Reason(why="Kafka does not answer in time.", todo=_KAFKA_TODO)
        case _ if isinstance(error, _REFUSED):
            return Reason(
                why="Kafka refuses this service: its login is wrong, or lacks a right.",
                todo="Check ASSENT_KAFKA_SASL_* and the ACLs of this service's user.",
            )
        case UnknownTopicOrPartitionError():
            return Reason(
                why="Kafka does not have a topic that this service needs.",
                todo="Create the topics: `assent topics apply`.",
            )
        case LedgerDiffersError():
            return reason_of(error.findings[0])
        case OffsetOutOfRangeError():
            return Reason(
                why="A topic does not contain the offset that this service reads next: it was cut, restored"
                " or recreated, or it deleted what was not read in time.",
                todo="Nothing is skipped, and this continues once the right topic is back. `assent doctor`"
                " names the topic, and the service's log the offset.",
            )
        case KafkaConnectionError():
            return Reason(why="Kafka cannot be reached.", todo=_KAFKA_TODO)
        case _:
            return Reason(why=f"Kafka gives an unexpected answer: {type(error).__name__}.", todo=_KAFKA_TODO)
