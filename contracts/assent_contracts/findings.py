"""What can be wrong with a log, apart from a ledger that lost its end: see `heads.compare` for that. Pure."""

from collections.abc import Mapping
from typing import Final

from assent_contracts.heads import PUT_BACK, Finding, FindingKind, Found, SignedHead
from assent_contracts.topics import LEDGER_TOPICS

_MORE: Final = "see docs/how-to/restore.md."
_ACCEPT: Final = (
    "accept the loss with the recovery key (`assent restore accept`, see docs/how-to/restore.md)."
)


def contradiction_finding(one: SignedHead, other: SignedHead) -> Finding | None:
    """Two heads that writers have signed and that cannot both be true, because two histories were written.

    None if both may be true.
    """
    if (one.ledger, one.partition, one.seq, one.era) != (other.ledger, other.partition, other.seq, other.era):
        return None
    if one.sha256 == other.sha256:
        return None
    topic = LEDGER_TOPICS[one.ledger]
    return Finding(
        kind="two-histories",
        topic=topic,
        partition=one.partition,
        known=one.seq,
        found=other.seq,
        why=(
            f"Writers have signed two heads of {topic}/{one.partition} at seq {one.seq:,}: {one.sha256[:16]}…"
            f" up to offset {one.next_offset:,}, and {other.sha256[:16]}… up to offset {other.next_offset:,}."
        ),
        todo=(
            "A writer's key is in two places, or a restored log was written to. Stop all deciders but"
            f" one, run `assent audit verify`, and keep the history that people have acted on. {PUT_BACK}"
        ),
    )


def compare_input(
    topic: str, partition: int, *, next_input: int, decided_sha256: str | None, found: Found
) -> Finding | None:
    """Compare what a ledger has decided of a command partition with what is there; None if all of it fits.

    `next_input`: the offset of the first undecided command. `decided_sha256`: SHA-256 (hex) of the command
    before it according to the ledger, or None if the ledger does not have it. `found.sha256`: of the record
    that is there.
    """
    place = f"{topic}/{partition}"

    def finding(kind: FindingKind, at: int, why: str, todo: str) -> Finding:
        return Finding(
            kind=kind, topic=topic, partition=partition, known=next_input, found=at, why=why, todo=todo
        )

    if found.end < next_input:
        return finding(
            "input-cut",
            found.end,
            f"{place} ends at offset {found.end:,}, and the ledger has decided commands up to {next_input:,}:"
            " it was cut or recreated, and commands that are sent now would be skipped.",
            f"Restore its newest copy, with the ledger of the same time. If there is none, {_ACCEPT}",
        )
    if found.beginning > next_input:
        return finding(
            "input-deleted",
            found.beginning,
            f"{place} begins at offset {found.beginning:,}, and the ledger has decided commands up to"
            f" {next_input:,}: {found.beginning - next_input:,} commands between were deleted undecided.",
            f"Restore a copy that has them. If there is none, {_ACCEPT} Senders must then send them again.",
        )
    if decided_sha256 is not None and found.sha256 is not None:
        decided, stands = {next_input - 1: decided_sha256}, {next_input - 1: found.sha256}
        return compare_decided(
            topic, partition, next_input=next_input, decided=decided, stands=stands, end=found.end
        )
    return None


def compare_decided(
    topic: str,
    partition: int,
    *,
    next_input: int,
    decided: Mapping[int, str],
    stands: Mapping[int, str],
    end: int,
) -> Finding | None:
    """Compare the last commands that a ledger has decided with what is there; None if all of them fit.

    It compares several, because after a topic was cut, a command that is sent again may get its old offset.
    `decided` and `stands`: SHA-256 (hex) by offset. Offsets that are not in `stands` were not read. `end`: of
    the topic.
    """
    other = next((at for at, sha256 in decided.items() if stands.get(at, sha256) != sha256), None)
    if other is None:
        return None
    return Finding(
        kind="input-other",
        topic=topic,
        partition=partition,
        known=next_input,
        found=end,
        why=(
            f"{topic}/{partition} ends at offset {end:,}, and at {other:,} is another command than the one"
            f" that the ledger decided, up to {next_input:,}: it was recreated."
        ),
        todo=f"Restore its newest copy, with the ledger of the same time. If there is none, {_ACCEPT}",
    )


def compare_partitions(topic: str, *, founded: int, there: int) -> Finding | None:
    """Compare a topic's number of partitions with the number that the log was founded with; None if equal.

    An object's partition depends on that number. With another number, one object would have two locks.
    """
    if there == founded:
        return None
    back = "Kafka cannot remove partitions: restore the copy of Kafka's data from before"
    anew = f", or recreate the topic with {founded} partitions and {_ACCEPT}"
    return Finding(
        kind="partitions",
        topic=topic,
        partition=None,
        known=founded,
        found=there,
        why=(
            f"{topic} has {there} partitions, and this log was founded with {founded}: senders would hash an"
            " object to another partition, and commands in the added partitions are never decided."
        ),
        todo=back + (f"; {_MORE}" if topic in LEDGER_TOPICS.values() else anew),
    )


def compare_ledger_settings(topic: str, settings: Mapping[str, str | None]) -> Finding | None:
    """Whether a ledger's topic would delete records, by its settings in Kafka; None if it keeps all."""
    wanted = {"cleanup.policy": "delete", "retention.ms": "-1", "retention.bytes": "-1"}
    wrong = [
        f"{name}={settings[name]}" for name in wanted if settings.get(name, wanted[name]) != wanted[name]
    ]
    if not wrong:
        return None
    why = f"{topic} would forget records: {', '.join(wrong)}. A ledger is kept forever."
    return _forgets(topic, why, wanted)


def compare_command_settings(topic: str, settings: Mapping[str, str | None]) -> Finding | None:
    """Whether a topic of commands would delete undecided commands, or take their time from their senders.

    None if its settings do neither. Log time, retention and the refusal of stale commands need the broker's
    time.
    """
    policy = settings.get("cleanup.policy") or "delete"
    if policy != "delete":
        why = (
            f"{topic} would forget commands before they are decided, all but the newest of each object:"
            f" cleanup.policy={policy}."
        )
        return _forgets(topic, why, {"cleanup.policy": "delete"})
    return _dated_by_senders(
        topic, settings, "Commands are judged by when they arrived, and Kafka deletes by that time."
    )


def compare_heads_settings(topic: str, settings: Mapping[str, str | None]) -> Finding | None:
    """Whether a decider that asks the broker for the time would get its own, by the topic's settings."""
    return _dated_by_senders(
        topic, settings, "A decider asks it for the time, and would get the time of its own clock."
    )


def heads_missing(topic: str) -> Finding:
    """The topic of the heads does not exist: no decider knows the time, and no heads are published."""
    return Finding(
        kind="no-topic",
        topic=topic,
        partition=None,
        known=1,
        found=0,
        why=f"{topic} does not exist. Deciders write to it how far each ledger goes and ask it for the time.",
        todo="Create it with `assent topics apply`. Everything then continues by itself.",
    )


def _forgets(topic: str, why: str, wanted: Mapping[str, str]) -> Finding:
    settings = "; ".join(f"{name}={value}" for name, value in wanted.items())
    return Finding(
        kind="forgets",
        topic=topic,
        partition=None,
        known=0,
        found=0,
        why=why,
        todo=f"Correct it with `assent topics apply`: {settings}.",
    )


def _dated_by_senders(topic: str, settings: Mapping[str, str | None], matters: str) -> Finding | None:
    name, wanted = "message.timestamp.type", "LogAppendTime"
    if settings.get(name, wanted) == wanted:
        return None
    return Finding(
        kind="dated-by-senders",
        topic=topic,
        partition=None,
        known=0,
        found=0,
        why=f"{topic} keeps the time that a sender claims: {name}={settings[name]}. {matters}",
        todo=f"Correct it with `assent topics apply`: {name}={wanted}. Everything then continues by itself.",
    )
