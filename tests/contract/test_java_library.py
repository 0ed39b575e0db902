"""The lists in contracts/java have what the code has: a message that is added here is known there."""

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

JAVA = Path(assent_contracts.__file__).parents[1] / "java"


def java(name: str) -> str:
    return (JAVA / "src" / "main" / "java" / "assent" / name).read_text(encoding="utf-8")


def test_it_knows_every_event_of_requests() -> None:
    text = java("EventRule.java")
    named = re.findall(r'"(assent\.[a-z-]+\.v1)"', text)
    assert set(named) == known_types(Event)


def test_it_knows_every_event_of_governance() -> None:
    """An unknown one could change who may seal: a reader would stop at it."""
    [names] = re.findall(r'Arrays\.stream\("""([^"]+)"""', java("Writers.java"))
    assert {f"assent.{name}.v1" for name in names.split()} == known_types(GovernanceEvent)


def test_it_knows_every_command() -> None:
    named = re.findall(r'"(assent\.[a-z-]+\.v1)"', java("Command.java"))
    assert set(named) == known_types(Command)


def test_its_refusals_say_what_to_do() -> None:
    rows = re.findall(r'Map\.entry\("([a-z-]+)", "(.+)"\)', java("Refusal.java"))
    assert dict(rows) == {code.value: sentence for code, sentence in WHAT_TO_DO.items()}


def test_the_programs_of_its_page_are_those_of_the_examples() -> None:
    examples = "".join(path.read_text(encoding="utf-8") for path in sorted(JAVA.glob("examples/*.java")))
    shown = re.findall(r"```java\n(.*?)```", (JAVA / "README.md").read_text("utf-8"), re.DOTALL)
    assert len(shown) == 3
    for each in shown:
        assert each in examples


def test_an_example_has_less_than_twenty_lines_of_its_own() -> None:
    for path in JAVA.glob("examples/*.java"):
        [main] = re.findall(
            r"^    public static void main\(.*?\{\n(.*?)^    \}",
            path.read_text("utf-8"),
            re.DOTALL | re.MULTILINE,
        )
        assert len(main.splitlines()) < 20, path


@pytest.mark.long
@pytest.mark.timeout(600)
@pytest.mark.skipif(
    shutil.which("mvn") is None or shutil.which("javac") is None, reason="there is no Maven or no JDK here"
)
def test_its_own_tests_pass() -> None:
    tested = subprocess.run(
        ["make", "test-java", "ARGS="], cwd=JAVA.parents[1], check=False, stdout=subprocess.PIPE, text=True
    )
    if "Could not resolve" in tested.stdout or "Could not transfer" in tested.stdout:
        pytest.skip("What contracts/java needs is not in Maven's cache, and no repository has answered.")
    assert tested.returncode == 0, tested.stdout
