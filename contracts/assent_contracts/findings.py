"""What else can be wrong with a log than a ledger that lost its end: see `heads.compare` for that. Pure."""

from collections.abc import Mapping
from typing import Final

from assent_contracts.heads import PUT_BACK, Finding, FindingKind, Found, SignedHead
from assent_contracts.topics import LEDGER_TOPICS

_MORE: Final = "docs/how-to/restore.md says more."
_ACCEPT: Final = (
    "accept the loss with the recovery key, `assent restore accept`; docs/how-to/restore.md says what it"
    " means."
)


def contradiction_finding(one: SignedHead, other: SignedHead) -> Finding | None:
    """Two heads that writers have signed and that cannot both be: two histories were written.

    None when both may be true.
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
            "A writer's key is in two places, or a log was put back and written on. Stop all deciders but"
            f" one, run `assent audit verify`, and keep the history that people have acted on. {PUT_BACK}"
        ),
    )


def compare_input(
    topic: str, partition: int, *, next_input: int, decided_sha256: str | None, found: Found
) -> Finding | None:
    """Hold what a ledger has decided of a command partition against what is there; None when all fits.

    `next_input`: the offset of the first undecided command. `decided_sha256`: of the command before it, as
    the ledger has it (hex); None where it does not say. `found.sha256`: of the record that stands there.
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
            " it was cut or made anew, and what is sent now would be passed over.",
            f"Put its newest copy back, with the ledger of the same time. If there is none, {_ACCEPT}",
        )
    if found.beginning > next_input:
        return finding(
            "input-deleted",
            found.beginning,
            f"{place} begins at offset {found.beginning:,}, and the ledger has decided commands up to"
            f" {next_input:,}: {found.beginning - next_input:,} commands between were deleted undecided.",
            f"Put a copy back that has them. If there is none, their senders must send them again: {_ACCEPT}",
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
    """Hold the last commands that a ledger has decided against what stands there; None when all fit.

    More than one: where a topic was cut, somebody who sends a command once more may hit its offset. `decided`
    and `stands`: SHA-256 (hex) by offset; what is not in `stands` was not looked at. `end`: of the topic.
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
            f"{topic}/{partition} ends at offset {end:,}, and at {other:,} another command stands than the"
            f" one that the ledger decided, up to {next_input:,}: it was made anew."
        ),
        todo=f"Put its newest copy back, with the ledger of the same time. If there is none, {_ACCEPT}",
    )


def compare_partitions(topic: str, *, founded: int, there: int) -> Finding | None:
    """Hold a topic's number of partitions against what the log was founded with; None when it is the same.

    An object's partition is its key's hash by that number: with another, one object would have two locks.
    """
    if there == founded:
        return None
    back = "Kafka takes no partition away: put the copy of Kafka's data from before back"
    anew = f", or make the topic anew with {founded} and {_ACCEPT}"
    return Finding(
        kind="partitions",
        topic=topic,
        partition=None,
        known=founded,
        found=there,
        why=(
            f"{topic} has {there} partitions, and this log was founded with {founded}: senders would hash an"
            " object to another partition, and what arrives beyond is never decided."
        ),
        todo=back + (f"; {_MORE}" if topic in LEDGER_TOPICS.values() else anew),
    )


def compare_ledger_settings(topic: str, settings: Mapping[str, str | None]) -> Finding | None:
    """Whether a ledger's topic would forget some of it, by its settings in Kafka; None when it keeps all."""
    wanted = {"cleanup.policy": "delete", "retention.ms": "-1", "retention.bytes": "-1"}
    wrong = [
        f"{name}={settings[name]}" for name in wanted if settings.get(name, wanted[name]) != wanted[name]
    ]
    if not wrong:
        return None
    why = f"{topic} would forget records: {', '.join(wrong)}. A ledger is kept for ever."
    return _forgets(topic, why, wanted)


def compare_command_settings(topic: str, settings: Mapping[str, str | None]) -> Finding | None:
    """Whether commands would be forgotten for newer ones of their object, or senders say when they came.

    By the topic's settings; None when neither. Log time, retention and what is refused for its date go by the
    broker's time.
    """
    policy = settings.get("cleanup.policy") or "delete"
    if policy != "delete":
        why = (
            f"{topic} would forget commands before they are decided, all but the newest of each object:"
            f" cleanup.policy={policy}."
        )
        return _forgets(topic, why, {"cleanup.policy": "delete"})
    return _dated_by_senders(
        topic, settings, "Commands are judged by when they came, and Kafka deletes by it."
    )


def compare_heads_settings(topic: str, settings: Mapping[str, str | None]) -> Finding | None:
    """Whether a decider that asks the broker for the time would hear its own, by the topic's settings."""
    return _dated_by_senders(
        topic, settings, "A decider asks there what time it is, and would hear what its own clock says."
    )


def heads_missing(topic: str) -> Finding:
    """The topic of the heads is not there: then no decider knows the time, and heads are not made known."""
    return Finding(
        kind="no-topic",
        topic=topic,
        partition=None,
        known=1,
        found=0,
        why=f"{topic} is not there. Deciders say in it how far each ledger goes, and ask there for the time.",
        todo="Make it: `assent topics apply` does it, and it goes on by itself then.",
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
        todo=f"Set it right: {settings}. `assent topics apply` does it.",
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
        todo=f"Set it right: {name}={wanted}. `assent topics apply` does it, and it goes on by itself then.",
    )
