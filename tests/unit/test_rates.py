"""What one principal can send and have remembered: by log time, so the same for deciders and verifiers."""

import hypothesis.strategies as st
import msgspec
import pytest
from hypothesis import given

from assent_contracts import commands as c
from assent_contracts.core.requests.partition_state import PartitionState
from assent_contracts.core.requests.replay import replay
from assent_contracts.core.sender import is_copy
from assent_contracts.events import CommandRepeated
from assent_contracts.governance_objects import Settings
from assent_contracts.ledger import decode_record
from assent_contracts.limits import COMMAND_ID_MAX_CHARS, COMMAND_MEMORY_MS
from assent_contracts.partitioner import partition_for
from assent_contracts.refusals import Refusal, RefusalCode
from tests.bench.memory import bytes_per_id
from tests.support.people import DAY_MS, PARTITIONS, START, organisation
from tests.support.stories import MINUTE_MS, Story, names


def limited(*, rate: int = 1_000, share: int = 1_000) -> Story:
    settings = Settings(commands_per_minute=rate, remembered_commands=share, expiry_ms=100 * DAY_MS)
    return Story(governance=organisation(settings))


def cancel(story: Story, who: str = "alice", **fields: object) -> c.Command:
    """A command that is refused for every sender."""
    return msgspec.structs.replace(story.command(who, "cancels"), **fields)


def too_many(decision: object) -> Refusal:
    assert isinstance(decision, Refusal), decision
    assert decision.code is RefusalCode.TOO_MANY_COMMANDS
    return decision


def test_commands_over_the_rate_are_refused_until_the_next_minute_and_the_refusal_says_so() -> None:
    story = limited(rate=3)
    assert START % MINUTE_MS == 0
    story.at += 10_000
    for _ in range(3):
        story.send(cancel(story))
    refusal = too_many(story.send(cancel(story)))
    assert refusal.again_at == START + MINUTE_MS
    assert "3 commands" in refusal.detail
    assert "2026-01-01 00:01Z" in refusal.detail
    story.at = refusal.again_at - 1
    too_many(story.send(cancel(story)))
    story.at = refusal.again_at
    assert names(story.send(story.command("alice", "submits"))) == "ChangeSubmitted"


def test_command_refused_by_the_rate_can_be_sent_again_unchanged() -> None:
    story = limited(rate=1)
    story.send(cancel(story))
    command = story.command("alice", "submits")
    story.at = too_many(story.send(command)).again_at or 0
    assert names(story.send(command)) == "ChangeSubmitted"


def test_one_account_takes_nothing_of_another_s_rate_or_share() -> None:
    story = limited(rate=2, share=2)
    for _ in range(9):
        story.send(cancel(story, "mallory"))
    assert names(story.send(story.command("alice", "submits"))) == "ChangeSubmitted"
    story.at += MINUTE_MS
    too_many(story.send(cancel(story, "mallory")))
    assert names(story.send(story.command("alice", "cancels"))) == "RequestCanceled"


def copies_of(how: str, story: Story) -> c.Command:
    """A command of alice's that another client has read, and sends as often as it likes."""
    match how:
        case "repeated":
            story.send(command := cancel(story, id="known"))
            return command
        case "id-reused":
            story.send(cancel(story, id="known"))
            return cancel(story, id="known", at=story.at - 1)
        case "too old":
            return cancel(story, at=START - 9 * DAY_MS)
        case "dated ahead":
            return cancel(story, at=START + 9 * DAY_MS)
        case _:
            elsewhere = next(
                n for n in range(99) if partition_for(b"script/%d" % n, PARTITIONS) != story.state.partition
            )
            command = story.command("alice", "submits")
            return msgspec.structs.replace(command, resource=f"script/{elsewhere}")


@pytest.mark.parametrize("how", ["repeated", "id-reused", "too old", "dated ahead", "misrouted"])
def test_copies_that_anybody_can_send_take_nothing_of_their_sender_s_rate(how: str) -> None:
    story = limited(rate=4, share=2)
    copy = copies_of(how, story)
    story.at += MINUTE_MS
    answers = [story.send(copy) for _ in range(6)]
    assert not any(isinstance(each, Refusal) and each.again_at for each in answers[:4])
    for each in answers[4:]:
        assert "copies of commands of alice" in too_many(each).detail
    assert names(story.send(story.command("alice", "submits"))) == "ChangeSubmitted"
    assert story.state.memory.remembered("alice") <= 2


def test_at_most_a_thousand_copies_a_minute_are_kept_whatever_the_rate_is() -> None:
    story = limited(rate=60_000)
    command = cancel(story)
    story.send(command)
    for _ in range(1_000):
        assert story.send(command) == (CommandRepeated(decided=0),)
    too_many(story.send(command))
    story.at += MINUTE_MS
    assert story.send(command) == (CommandRepeated(decided=0),)


def test_refused_commands_count_too() -> None:
    """The ledger keeps them, so an attacker could fill it with them."""
    story = limited(rate=4)
    for _ in range(4):
        story.send(cancel(story))
    too_many(story.send(cancel(story)))


def test_commands_of_unknown_senders_count_for_nobody() -> None:
    """Otherwise anybody who can write to the topic could block alice's commands."""
    story = limited(rate=1)
    for _ in range(3):
        story.send(cancel(story), signature_good=False)
    assert names(story.send(story.command("alice", "submits"))) == "ChangeSubmitted"


def test_ids_over_the_share_are_refused_until_the_oldest_is_forgotten() -> None:
    story = limited(share=2)
    first = cancel(story)
    story.send(first)
    story.at += 5 * MINUTE_MS
    story.send(cancel(story))
    refusal = too_many(story.send(cancel(story)))
    assert refusal.again_at == START + COMMAND_MEMORY_MS + MINUTE_MS
    assert story.send(first) == (CommandRepeated(decided=0),)
    story.at = refusal.again_at
    assert names(story.send(story.command("alice", "submits"))) == "ChangeSubmitted"


def test_lowered_share_takes_nothing_away() -> None:
    story = limited(share=3)
    commands = [cancel(story) for _ in range(3)]
    for command in commands:
        story.send(command)
    story.governance = organisation(Settings(remembered_commands=1))
    too_many(story.send(cancel(story)))
    assert story.send(commands[0]) == (CommandRepeated(decided=0),)


@pytest.mark.parametrize("chars", [36, COMMAND_ID_MAX_CHARS])
def test_remembered_id_takes_no_more_memory_than_documented(chars: int) -> None:
    """The settings document it; `python -m tests.bench.memory` shows it at the limit."""
    assert bytes_per_id(20_000, chars) <= 512


_STEPS = st.lists(
    st.tuples(
        st.sampled_from(("alice", "bob")),
        st.sampled_from(("new", "again", "dated ahead", "forged")),
        st.sampled_from((0, 1, 7_000, MINUTE_MS, DAY_MS, COMMAND_MEMORY_MS)),
        st.sampled_from((0, 0, 0, 4 * MINUTE_MS)),
    ),
    max_size=60,
)


@given(_STEPS, st.integers(1, 6), st.integers(1, 6))
def test_nobody_exceeds_the_share_whatever_they_send_and_a_takeover_counts_the_same(
    steps: list[tuple[str, str, int, int]], rate: int, share: int
) -> None:
    story = limited(rate=rate, share=share)
    minutes: dict[tuple[str, bool, int], int] = {}
    for who, how, pause_ms, ahead_ms in steps:
        story.at += pause_ms
        at = story.at + (400 * DAY_MS if how == "dated ahead" else ahead_ms)
        command = cancel(story, who, at=at, **({"id": "one"} if how == "again" else {}))
        decision = story.send(command, signature_good=how != "forged")
        too_much = isinstance(decision, Refusal) and decision.code is RefusalCode.TOO_MANY_COMMANDS
        if how != "forged" and not too_much:
            minute = (who, is_copy(decision), story.at // MINUTE_MS)
            minutes[minute] = minutes.get(minute, 0) + 1
        assert story.state.memory.remembered(who) <= share
    assert max(minutes.values(), default=0) <= rate
    taken_over = PartitionState(story.state.partition)
    for value in story.records:
        replay(taken_over, decode_record(value))
    assert vars(taken_over.memory) == vars(story.state.memory)
