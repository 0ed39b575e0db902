"""R24: what a submission states, as the options of the command line describe it."""

from pathlib import Path

import pytest

from assent.cli.app import app
from assent.cli.detail_options import details_given
from assent_contracts.change_details import NO_DETAILS, ChangeDetails, HashedReference
from assent_contracts.digests import sha256_hex


def given(*arguments: str) -> ChangeDetails:
    _, bound, _ = app.parse_args(("submit", "app/x", "-", "-j", "why", *arguments))
    options = bound.arguments.get("details")
    return NO_DETAILS if options is None else details_given(options)


def test_R24_every_field_has_an_option(tmp_path: Path) -> None:
    report = tmp_path / "report.txt"
    report.write_bytes(b"all green")
    found = given(
        *("--impact", "None.", "--fallback", "Undo.", "--expected", "More.", "--emergency"),
        *("--tested", str(report), "--tested", f"{'ab' * 32} CI run 17 https://ci.example/17"),
        *("--ticket", "CHG-1", "--ticket", "CHG-2"),
    )
    assert found == ChangeDetails(
        impact="None.",
        fallback="Undo.",
        tested=(
            HashedReference(what="report.txt", sha256=sha256_hex(b"all green")),
            HashedReference(what="CI run 17", sha256="ab" * 32, uri="https://ci.example/17"),
        ),
        expected="More.",
        emergency=True,
        tickets=("CHG-1", "CHG-2"),
    )


def test_R24_what_is_not_said_is_left_out() -> None:
    assert given() == NO_DETAILS
    assert given("--no-emergency") == ChangeDetails(emergency=False)


def test_R24_test_that_is_neither_a_file_nor_a_reference_is_refused(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit):
        given("--tested", "no such file")
    assert "there is no such file" in capsys.readouterr().err
