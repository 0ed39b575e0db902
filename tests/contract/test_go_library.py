"""The lists in contracts/go have what the code has: a message that is added here is known there."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

import assent_contracts
from assent_contracts.codec import known_types
from assent_contracts.commands import Command
from assent_contracts.events import Event
from assent_contracts.governance_messages import GovernanceEvent
from assent_contracts.refusals import WHAT_TO_DO

GO = Path(assent_contracts.__file__).parents[1] / "go"


def go(name: str) -> str:
    return (GO / name).read_text(encoding="utf-8")


def test_it_knows_every_event_of_requests() -> None:
    assert set(
        re.findall(r'^\t"(assent\.[a-z-]+\.v1)":', go("request_events.go"), re.MULTILINE)
    ) == known_types(Event)


def test_it_knows_every_event_of_governance() -> None:
    """An unknown one could change who may seal: a reader would stop at it."""
    [names] = re.findall(r"strings\.Fields\(`([^`]+)`\)", go("writers.go"))
    assert {f"assent.{name}.v1" for name in names.split()} == known_types(GovernanceEvent)


def test_it_knows_every_command() -> None:
    named = re.findall(r'"(assent\.[a-z-]+\.v1)"', go("command.go") + go("submission.go"))
    assert set(named) == known_types(Command)


def test_its_refusals_say_what_to_do() -> None:
    rows = re.findall(r'^\t"([a-z-]+)": +"(.+)",$', go("refusal.go"), re.MULTILINE)
    assert dict(rows) == {code.value: sentence for code, sentence in WHAT_TO_DO.items()}


def test_the_programs_of_its_page_are_those_of_the_examples() -> None:
    examples = "".join(path.read_text(encoding="utf-8") for path in sorted(GO.glob("examples/*/main.go")))
    shown = re.findall(r"```go\n(.*?)```", go("README.md"), re.DOTALL)
    assert len(shown) == 3
    for each in shown:
        assert each in examples


def test_an_example_has_less_than_twenty_lines_of_its_own() -> None:
    for path in GO.glob("examples/*/main.go"):
        [main] = re.findall(r"^func main\(\) \{\n(.*?)^\}", path.read_text("utf-8"), re.DOTALL | re.MULTILINE)
        assert len(main.splitlines()) < 20, path


@pytest.mark.long
@pytest.mark.timeout(600)
@pytest.mark.skipif(shutil.which("go") is None, reason="there is no Go here")
def test_its_own_tests_pass() -> None:
    if subprocess.run(["go", "mod", "download"], cwd=GO, check=False).returncode:
        pytest.skip("The modules of contracts/go are not in Go's cache, and its proxy does not answer.")
    subprocess.run(["make", "test-go", "ARGS="], cwd=GO.parents[1], check=True)
