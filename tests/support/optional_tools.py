"""Tests that need what a machine may lack: skipped on a developer's machine, and a failure in CI."""

import os
from typing import NoReturn

import pytest


def skip_or_fail(what: str) -> NoReturn:
    """Skip, or fail if the environment variable CI is set: there everything must be available."""
    if os.environ.get("CI"):
        pytest.fail(what, pytrace=False)
    pytest.skip(what)
