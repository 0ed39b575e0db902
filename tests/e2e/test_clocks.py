"""A machine's clock is set wrong and right again under a running system: what users see and do about it."""

import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest

from assent.infra_files import infra_path
from assent_contracts.partitioner import partition_for
from tests.support.adjustable_clock import MachineClock
from tests.support.cli import Answer, Cli, Up

HOUR_MS: Final = 60 * 60 * 1_000
RATE: Final = 5
PARTITIONS: Final = 3
_LIMIT_S: Final = 90.0


def founded(folder: Path, clock: MachineClock) -> Cli:
    """A log with a low rate per sender and minute."""
    demo = infra_path("demo/governance.toml").read_text()
    assert "commands_per_minute = 60000" in demo
    file = folder / "governance.toml"
    file.write_text(demo.replace("commands_per_minute = 60000", f"commands_per_minute = {RATE}"))
    cli = Cli(folder / "data", dict(clock.env))
    assert cli("init", str(file), "--make-keys", "--partitions", str(PARTITIONS)).code == 0
    return cli


def until_doctor(cli: Cli, says: Callable[[Answer], bool]) -> Answer:
    deadline = time.monotonic() + _LIMIT_S
    while not says(answer := cli("doctor")):
        assert time.monotonic() < deadline, answer
    return answer


def waits(answer: Answer) -> bool:
    return "decider is ready (clocks-" in answer.out


def is_well(answer: Answer) -> bool:
    return answer.code == 0


def cancel(cli: Cli, request: str) -> Answer:
    return cli("cancel", request, "--as", "device-config", "--json", "--timeout", "5")


@pytest.mark.long
@pytest.mark.timeout(600)
def test_wrong_clock_is_held_until_a_person_accepts_it_and_log_time_that_ran_ahead_is_set_back(
    tmp_path: Path,
) -> None:
    clock = MachineClock(tmp_path / "ahead")
    cli = founded(tmp_path, clock)
    up = Up(cli, tmp_path / "up.txt")
    try:
        until_doctor(cli, is_well)
        over_its_rate_is_told_when_to_come_again(cli)
        decides_nothing_until_the_clock_is_accepted(cli, clock)
        log_time_is_set_back_by_two_administrators(cli, clock)
    finally:
        assert up.stop() == 0


def over_its_rate_is_told_when_to_come_again(cli: Cli) -> None:
    request = cli.submit("script/rate.sh", b"x", "--text")
    again = ("submit", "script/rate.sh", "-", "--text", "-j", "again", "--as", "device-config")
    for _ in range(4 * RATE):
        answer = cli(*again, stdin=b"x")
        assert answer.code == 2, answer
        if "resource-locked" not in answer.err:
            break
    assert answer.err.startswith("Refused: too-many-commands\n"), answer
    assert re.search(r"Send it again from 20\d\d-\d\d-\d\d \d\d:\d\dZ on", answer.err), answer
    # A minute's wait: turning the clock ahead instead would leave forgotten ids with dates in the future.
    deadline = time.monotonic() + _LIMIT_S
    while (answer := cancel(cli, request)).code != 0:
        assert answer.json["refusal"]["code"] == "too-many-commands", answer
        assert time.monotonic() < deadline, answer
        time.sleep(1)


def decides_nothing_until_the_clock_is_accepted(cli: Cli, clock: MachineClock) -> None:
    before = cli.submit("script/before.sh", b"x", "--text")
    clock.turn(48 * HOUR_MS)
    said = until_doctor(cli, waits)
    assert said.code == 1
    assert re.search(r"it was set 47 h 5\d min ahead|it was set 48 h 0 min ahead", said.out), said
    assert "Nothing is decided" in said.out
    assert "`assent doctor --accept-clock`" in said.out
    # Neither refused nor decided: it waits in Kafka.
    late = cancel(cli, before)
    assert late.code not in (0, 2), late
    accepted = cli("doctor", "--accept-clock")
    assert "is accepted as right" in accepted.out, accepted
    until_doctor(cli, lambda answer: not waits(answer))
    cli.until_status(before, "canceled")


def log_time_is_set_back_by_two_administrators(cli: Cli, clock: MachineClock) -> None:
    """Also in partitions without further commands, whose only record has the wrong time."""
    idle = {f"script/idle-{number}.sh" for number in range(4)}
    for resource in idle:
        cli.submit(resource, b"x", "--text")
    clock.turn(0)
    until_doctor(cli, waits)
    cli("doctor", "--accept-clock")
    said = until_doctor(cli, lambda answer: not waits(answer) and "log time is not ahead" in answer.out)
    assert said.code == 1
    ahead = set(map(int, re.findall(r"assent\.ledger/(\d+)", said.out)))
    assert ahead >= {partition_for(each.encode(), PARTITIONS) for each in idle}, said
    assert "assent settings correct-time now" in said.out

    why = ("-j", "The clock was two days ahead", "--as", "bob", "--json")
    asked = cli("settings", "correct-time", "now", *why)
    assert asked.code == 0, asked
    request = asked.json["events"][0]["request"]
    assert cli("approve", request, "--yes", "--as", "bob").code == 2
    assert cli("approve", request, "--yes", "--as", "carol").code == 0
    assert cli("complete", request, "--yes", "--as", "bob").code == 0
    until_doctor(cli, is_well)
    verified = cli("audit", "verify")
    assert (verified.code, "Verified" in verified.out) == (0, True), verified
