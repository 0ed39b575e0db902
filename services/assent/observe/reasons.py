"""Why a process cannot do its work, and what to do about it: sentences for people, not an error's repr."""

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
from assent_contracts.client.probe import LedgerDiffersError
from assent_contracts.heads import Finding

_REFUSED: Final = (
    AuthenticationFailedError,
    ClusterAuthorizationFailedError,
    GroupAuthorizationFailedError,
    SaslAuthenticationFailed,
    TopicAuthorizationFailedError,
)
_KAFKA_TODO: Final = "Check that its brokers run and that ASSENT_KAFKA names them; their logs say more."
READING: Final = Reason(
    why="It reads the ledger to its end.",
    todo="Wait: at most a few minutes for a large log. If it stays so, see its log.",
)
TAKING_OVER: Final = Reason(
    why="It takes the partition over: it reads the ledger to its end first.",
    todo="Wait: at most a few minutes for a large log. If it stays so, see its log.",
)
STARTING_OVER: Final = Reason(
    why="It lost Kafka and starts over.",
    todo=f"Wait. If it stays so: {_KAFKA_TODO[0].lower()}{_KAFKA_TODO[1:]}",
)
FOLLOWING_ENDED: Final = Reason(
    why="It can no longer follow the governance ledger, and starts over.",
    todo="Wait. If it stays so, see its log.",
)
NOT_FOUNDED: Final = Reason(
    why="assent.governance does not begin with the record that this log's identity names.",
    todo="Check ASSENT_IDENTITY. If it is right, the topic was emptied or made anew: put the newest copy of"
    " Kafka's data back, see docs/how-to/restore.md. It goes on by itself then.",
)
UNCONFIRMED: Final = Reason(
    why="The governance ledger cannot be read to its end, so nothing is decided.",
    todo="Check the broker that leads assent.governance. It goes on by itself once that answers.",
)


def stopped_because(what: str) -> Reason:
    """Of a partition whose next record could not be decided: a fault of Assent's own. `what`: such as
    "the rules failed on offset 7 of assent.commands".
    """
    return Reason(
        why=f"It has stopped, and nothing is decided here: {what}.",
        todo="Nothing is lost or skipped. Report it with its log, and start a decider in which it is mended.",
    )


def clocks_apart(appended: int, wall: int) -> Reason:
    """Of a broker's clock and this machine's that differ, by what they said of one append, in ms."""
    return Reason(
        why=f"The clocks do not agree, and nothing is decided: the broker said {_utc(appended)} when this"
        f" machine's clock said {_utc(wall)}.",
        todo="Set the clock that is wrong. It goes on by itself once they agree to within five minutes; what"
        " the broker has dated wrongly waits for the next command.",
    )


def clock_stepped(step: int, wall: int, *, one_machine: bool) -> Reason:
    """Of a wall clock that has moved by `step` (ms) otherwise than time. `wall`: what it says, in ms."""
    way = "ahead" if step > 0 else "back"
    hours, rest = divmod(abs(step) // 60_000, 60)
    how = f"{hours:,} h {rest} min" if hours else f"{rest} min"
    ought = _utc(wall - step)
    return Reason(
        why=f"This machine's clock says {_utc(wall)}, and by the time that has passed it is {ought}: it was"
        f" set {how} {way}. Nothing is decided.",
        todo="If it is wrong, set it: it goes on by itself then. If it is right: "
        + ("`assent doctor --accept-clock`." if one_machine else "it goes on once a broker says so too."),
    )


def _utc(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1_000, UTC).strftime("%Y-%m-%d %H:%M:%SZ")


def no_evidence(what: str) -> Reason:
    """Of what a writer has sealed and no signed command leads to. `what`: a sentence."""
    return Reason(
        why=what,
        todo="Nothing is applied by it. Somebody has used the writer's key, or the decider is at fault: run"
        " `assent audit verify`, and retire that key.",
    )


def target_lacks(changes: int) -> Reason:
    """Of changes that were applied by the ledger, and are not in the target of an older state folder."""
    return Reason(
        why=f"{changes:,} objects are not in the target as this applier applied them last: its state folder"
        " and its target are an older copy.",
        todo="Its log names each request (not-held): submit these changes again, or put the newer copy back."
        " docs/how-to/restore.md says more. It is told until the applier is started anew.",
    )


def reason_of(finding: Finding) -> Reason:
    """Why a process does not go on in a part of the log, and what to do."""
    return Reason(why=finding.why, todo=finding.todo, place=finding.place, kind=finding.kind)


def kafka_reason(error: BaseException) -> Reason:
    """Of what a Kafka client raises, its timeouts among it."""
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
                why="A topic does not reach to where this service has to read: it was cut, put back or made"
                " anew, or has forgotten what was not read in time.",
                todo="Nothing is passed over, and it goes on once the right topic is back. `assent doctor`"
                " says which one it is, and its log names the offset.",
            )
        case KafkaConnectionError():
            return Reason(why="Kafka cannot be reached.", todo=_KAFKA_TODO)
        case _:
            return Reason(
                why=f"Kafka does not answer as it should: {type(error).__name__}.", todo=_KAFKA_TODO
            )
