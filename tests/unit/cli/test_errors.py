"""A command's exit code for the errors of its connection to the log, and its output."""

import json
from typing import Any

import pytest

from assent.cli import output
from assent.cli.connection.log_client import (
    GatewayAnswerError,
    GatewayRefusalError,
    GatewayUnreachableError,
    NotProjectedError,
    RequestNotFoundError,
    UndecidedError,
)
from assent.cli.connection.projection_wait import projected
from assent.cli.errors import fail_with

_UNDECIDED = {"decided": False, "command": "c1", "what": "No answer."}
_REFUSED = {
    "request": None,
    "partition": None,
    "seq": None,
    "at": None,
    "events": [],
    "refusal": {"code": "rate", "detail": "Too many."},
    "what_to_do": "Wait.",
}


@pytest.fixture(autouse=True)
def plain(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(output, "_consoles", {})


@pytest.mark.parametrize(
    ("error", "code", "document"),
    [
        (UndecidedError("No answer.", "Look later.", "c1"), 3, _UNDECIDED),
        (UndecidedError("No answer.", "Look later.", None), 3, {**_UNDECIDED, "command": None}),
        (GatewayUnreachableError("No answer.", "c1"), 3, _UNDECIDED),
        (GatewayUnreachableError("No answer.", None), 3, None),
        (GatewayRefusalError("rate", "Too many.", "Wait.", is_permanent=True), 2, _REFUSED),
        (GatewayRefusalError("rate", "Too many.", "Wait.", is_permanent=False), 3, _REFUSED),
        (GatewayAnswerError("Not of Assent.", is_of_assent=False), 3, None),
        (GatewayAnswerError("Another log.", is_of_assent=True), 1, None),
        (RequestNotFoundError("There is no request 0-0."), 1, None),
        (NotProjectedError("Not yet."), 1, None),
        (FileNotFoundError(2, "No such file", "x"), 1, None),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else "",
)
@pytest.mark.parametrize("as_json", [True, False], ids=["json", "people"])
def test_each_error_has_its_exit_code_and_its_document(
    capsys: pytest.CaptureFixture[str],
    error: Exception,
    code: int,
    document: dict[str, Any] | None,
    *,
    as_json: bool,
) -> None:
    """A document is printed on standard output; the sentences never are."""
    with pytest.raises(SystemExit) as end:
        fail_with(error, as_json=as_json)
    printed = capsys.readouterr()
    assert end.value.code == code
    assert (json.loads(printed.out) if printed.out else None) == (document if as_json else None)
    assert printed.err or isinstance(error, GatewayRefusalError)


def test_internal_fault_does_not_exit() -> None:
    fail_with(ValueError("a bug"), as_json=False)


async def test_projection_is_awaited_until_it_is_there_or_the_time_is_over() -> None:
    looks = iter([None, None, "row"])

    async def look() -> str | None:
        return next(looks)

    async def nothing() -> str | None:
        return None

    assert await projected(look, within_s=10) == "row"
    assert await projected(nothing, within_s=0.05) is None
