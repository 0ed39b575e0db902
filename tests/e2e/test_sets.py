"""R29 by the command line: a set is submitted, approved once, and applied object by object."""

import json
from pathlib import Path

import pytest

from tests.support.cli import Cli, Up


@pytest.mark.usefixtures("up")
def test_R29_a_set_is_submitted_approved_once_and_applied(cli: Cli, up: Up, tmp_path: Path) -> None:
    up.wait_for("coordinator: up")
    names = [f"script/set-{number}.sh" for number in range(3)]
    file = tmp_path / "changes.json"
    file.write_text(
        json.dumps([{"resource": each, "operation": "edit", "payload": f"echo {each}"} for each in names])
    )
    answer = cli("submit-set", "script/all.sh", str(file), "-j", "Together.", "--as", "alice", "--json")
    assert answer.code == 0, answer
    request, members = answer.json["request"], answer.json["members"]
    assert list(members) == names
    cli.until_status(members[names[0]], "needs_approval")
    assert cli("cancel", members[names[0]], "--as", "alice").code == 2
    while (approved := cli("approve", request, "--yes", "--as", "bob")).code != 0:
        assert "set-incomplete" in approved.err, approved
    assert cli("complete", request, "--yes", "--as", "alice").code == 0
    cli.until_status(request, "completed")
    for each in names:
        assert (cli.data / "target" / each).read_text() == f"echo {each}"
    assert cli("audit", "verify").code == 0
    again = cli("submit-set", "script/all.sh", str(tmp_path / "none.json"), "-j", "x", "--as", "alice")
    assert again.code == 1
    assert "cannot be read" in again.err
