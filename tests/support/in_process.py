"""`assent` without a process of its own: for what needs no running system."""

import pytest

from assent.cli import app
from tests.support.cli import Answer


def assent(capsys: pytest.CaptureFixture[str], *arguments: str) -> Answer:
    """Run one command as `main` does."""
    capsys.readouterr()
    code: object = 0
    try:
        app.run(arguments)
    except SystemExit as end:
        code = end.code
    printed = capsys.readouterr()
    assert isinstance(code, int)
    return Answer(code, printed.out, printed.err)
