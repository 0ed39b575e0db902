"""Tests that need what a machine may lack: skipped on somebody's own, and never unnoticed where it counts."""

import os
from typing import NoReturn

import pytest


def lacking(what: str) -> NoReturn:
    """Skip, or fail where the environment variable CI is set: there everything has to be there."""
    if os.environ.get("CI"):
        pytest.fail(what, pytrace=False)
    pytest.skip(what)
