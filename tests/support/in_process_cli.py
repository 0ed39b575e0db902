"""`assent` without its own process, for tests that need no running system."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import structlog

from assent.cli import app
from tests.support.cli import Answer


def assent(capsys: pytest.CaptureFixture[str], *arguments: str) -> Answer:
    """Run one command as `main` does."""
    capsys.readouterr()
    code: object = 0
    with _logging_as_before():
        try:
            app.run(arguments)
        except SystemExit as end:
            code = end.code
    printed = capsys.readouterr()
    assert isinstance(code, int)
    return Answer(code, printed.out, printed.err)


@contextmanager
def _logging_as_before() -> Iterator[None]:
    """Commands configure the logging of their process, which would affect the next tests too."""
    root, before = logging.getLogger(), structlog.get_config()
    handlers, level = [*root.handlers], root.level
    with structlog.contextvars.bound_contextvars():
        try:
            yield
        finally:
            structlog.configure(**before)
            root.handlers[:] = handlers
            root.setLevel(level)
            structlog.contextvars.unbind_contextvars("service")
