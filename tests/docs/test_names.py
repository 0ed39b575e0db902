"""What pages name without running it exists: commands with their options, variables, metrics, files."""

import re
import shlex
import subprocess
from functools import cache
from typing import Final

import pytest
from prometheus_client.metrics import MetricWrapperBase

from assent.applier.targets.command.table import VARIABLES
from assent.cli.app import app
from assent.observe import metrics
from infra.docs import cli
from infra.docs.settings import STRUCTS, kafka_settings, settings_of
from tests.docs.pages import DOCS, blocks_of, pages

ROOT: Final = DOCS.parent
_COMMAND: Final = re.compile(r"`(assent [a-z][^`]*)`")
_SECTION: Final = re.compile(r"^#+ (assent [a-z -]+)\n(.*?)(?=^#+ assent |\Z)", re.DOTALL | re.MULTILINE)


@cache
def sections() -> dict[str, str]:
    """Command → its help, from the reference."""
    return dict(_SECTION.findall(cli.page()))


def command_of(words: list[str]) -> str:
    """The longest command that starts these words."""
    for length in range(len(words), 1, -1):
        name = " ".join(words[:length])
        if name in sections():
            return name
    pytest.fail(f"there is no command `{' '.join(words)}`")


def test_commands_named_on_pages_exist_with_their_options() -> None:
    count = 0
    for page in pages():
        for named in _COMMAND.findall(page.read_text(encoding="utf-8").replace("\n", " ")):
            words = named.split()
            known = sections()[command_of(words)]
            for option in (word for word in words if word.startswith("--")):
                assert re.search(rf"{re.escape(option)}\b", known), f"{page.name}: {named}"
            count += 1
    assert count > 60


def test_shell_blocks_that_are_not_run_are_well_formed() -> None:
    for page in pages():
        for block in blocks_of(page):
            if block.language != "sh" or block.not_run is None:
                continue
            parsed = subprocess.run(
                ["bash", "-n"], input=block.text, text=True, capture_output=True, check=False
            )
            assert parsed.returncode == 0, f"{page.name}:{block.line}: {parsed.stderr}"
            for line in block.text.splitlines():
                if line.startswith("assent "):
                    app.parse_args(shlex.split(line)[1:], exit_on_error=False, print_error=False)


def test_variables_named_on_pages_are_settings() -> None:
    known = {each.variable for each in kafka_settings()}
    known |= {each.variable for title in STRUCTS for each in settings_of(title)}
    known |= {"ASSENT_DATA", "ASSENT_AS", "ASSENT_KEY", "ASSENT_SERVER", *VARIABLES}
    for page in pages():
        named = set(re.findall(r"\bASSENT_[A-Z_]+[A-Z]\b", page.read_text(encoding="utf-8")))
        assert sorted(named - known) == [], page


def test_metrics_named_on_pages_exist() -> None:
    known: set[str] = set()
    for each in vars(metrics).values():
        if isinstance(each, MetricWrapperBase):
            known |= {
                sample for family in each.describe() for sample in (family.name, f"{family.name}_total")
            }
    known |= {
        "assent_status",
        "assent_audit",
        "assent_notify",
        "assent_gateway",
        "assent_reader",
        "assent_upstream",
        "assent_contracts",
        "assent_applied",
    }
    for page in pages():
        named = set(re.findall(r"`(assent_[a-z_]+)\b", page.read_text(encoding="utf-8")))
        assert sorted(named - known) == [], page


def test_files_named_on_pages_exist() -> None:
    for page in pages():
        for named in re.findall(
            r"`((?:infra|docs|contracts|services|tests)/[\w./-]+)`", page.read_text("utf-8")
        ):
            assert (ROOT / named).exists(), f"{page.name}: {named}"
