"""R29: `assent submit-set --server` against a gateway that refuses, limits or loses some of the commands."""

import json
from collections.abc import Callable
from itertools import count
from pathlib import Path

import msgspec
import pytest

from assent.cli import output
from assent_contracts.commands import Cancel, SubmitChange
from tests.support.chains import key_of
from tests.support.false_gateway import Answer, Heard, false_gateway
from tests.support.in_process_cli import Answer as Said
from tests.support.in_process_cli import assent

OBJECTS = [f"script/of-set-{number}" for number in range(3)]
TOO_MANY: Answer = (
    429,
    {"code": "too-many-requests", "detail": "alice has sent too many.", "todo": "Wait."},
    {"retry-after": "0"},
)


@pytest.fixture(autouse=True)
def plain(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("ASSENT_KAFKA", "ASSENT_AS", "COLUMNS"):
        monkeypatch.delenv(name, raising=False)
    key_of("alice").save(tmp_path / "alice.key")
    monkeypatch.setenv("ASSENT_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("ASSENT_KEY", str(tmp_path / "alice.key"))
    monkeypatch.setenv("ASSENT_IDENTITY", "0" * 64)
    monkeypatch.setattr(output, "_consoles", {})


def submit_set(
    capsys: pytest.CaptureFixture[str],
    folder: Path,
    *arguments: str,
    problem: Callable[[int], Answer | None],
    objects: list[str] = OBJECTS,
) -> tuple[Said, Heard]:
    """`assent submit-set` with a gateway that answers the command of this number with a problem, if any."""
    file = folder / "changes.json"
    file.write_text(json.dumps([{"resource": each, "operation": "edit", "payload": 1} for each in objects]))
    numbers = count()

    def answers(method: str, path: str) -> Answer:
        assert (method, path) == ("POST", "/api/v1/commands")
        number = next(numbers)
        place = f"0-{number}"
        return problem(number) or (
            201,
            {
                "ledger": "assent.ledger",
                "position": place,
                "at": 0,
                "request": place,
                "events": [],
                "repeated": False,
            },
        )

    with false_gateway(answers) as (url, heard):
        said = assent(
            capsys, "submit-set", "script/all", str(file), "-j", "Together.", *arguments, "--server", url
        )
        return said, heard


def test_R29_a_set_and_its_members_are_signed_here_and_relayed(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    said, heard = submit_set(capsys, tmp_path, "--json", problem=lambda _: None)
    assert said.code == 0, said
    assert said.json["request"] == "0-0"
    assert list(said.json["members"]) == OBJECTS
    of_set, *members = (msgspec.json.decode(each, type=SubmitChange) for each in heard.commands)
    assert (of_set.resource, of_set.members) == ("script/all", 3)
    assert {each.part_of for each in members} == {"0-0"}
    assert {each.resource for each in members} == set(OBJECTS)


def test_R29_members_wait_their_turn_where_a_gateway_limits_an_account(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    said, heard = submit_set(
        capsys, tmp_path, "--json", problem=lambda number: TOO_MANY if 0 < number < 4 else None
    )
    assert said.code == 0, said
    assert sorted(said.json["members"]) == OBJECTS
    # The same bytes are sent again.
    assert len(heard.commands) == 7
    assert len(set(heard.commands)) == 4


def test_R29_a_refused_member_cancels_the_set_and_is_named_with_its_place(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    locked: Answer = (
        409,
        {"code": "resource-locked", "detail": "R10: request 0-7 is open.", "position": "0-1", "at": 5},
    )
    said, heard = submit_set(
        capsys,
        tmp_path,
        "--json",
        objects=OBJECTS[:1],
        problem=lambda number: locked if number == 1 else None,
    )
    assert said.code == 2, said
    assert (said.json["refusal"]["code"], said.json["seq"]) == ("resource-locked", 1)
    assert f"The object is {OBJECTS[0]}." in said.json["what_to_do"]
    cancel = msgspec.json.decode(heard.commands[-1], type=Cancel)
    assert (cancel.request, cancel.resource) == ("0-0", "script/all")


def test_R29_a_member_without_a_decision_leaves_the_set_named_and_exits_with_3(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    late: Answer = (202, {"code": "late", "detail": "No decision within 10 s.", "todo": "Ask again."})
    said, heard = submit_set(capsys, tmp_path, problem=lambda number: late if number == 2 else None)
    assert said.code == 3, said
    assert "The set is request 0-0" in said.err
    assert len(heard.commands) == 4


def test_R29_nothing_is_sent_of_a_set_with_a_member_that_is_malformed(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    said, heard = submit_set(capsys, tmp_path, objects=[*OBJECTS, "Not an object"], problem=lambda _: None)
    assert said.code == 2, said
    assert "The object is Not an object." in said.err
    assert heard.commands == []
