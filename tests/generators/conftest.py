"""The packages of npm that these tests run."""

import subprocess
from pathlib import Path
from typing import Final

import pytest

from tests.support.npm_packages import installed
from tests.support.optional_tools import skip_or_fail

_HERE: Final = Path(__file__).parent


@pytest.fixture(scope="session")
def node_modules() -> Path:
    """The folder `node_modules` with the packages of the lock file here."""
    try:
        return installed(_HERE, "documents") / "node_modules"
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
        skip_or_fail(f"npm cannot get the packages of tests/generators/package.json: {error}")
