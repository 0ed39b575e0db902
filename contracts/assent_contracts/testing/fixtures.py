"""Fixtures for pytest: `pytest_plugins = ["assent_contracts.testing.fixtures"]` in your conftest.py."""

from collections.abc import Iterator

import pytest

from assent_contracts.client.handler import Release
from assent_contracts.client.upstream import Upstream
from assent_contracts.testing.fake_ledger import FakeLedger
from assent_contracts.testing.handler_trials import a_release


@pytest.fixture
def release() -> Release:
    """A release of a change to `app/payroll`."""
    return a_release()


@pytest.fixture
def fake_ledger() -> FakeLedger:
    """A log in memory with a policy for `app` and one for `script`."""
    return FakeLedger(types=["app", "script"])


@pytest.fixture
def assent(fake_ledger: FakeLedger) -> Iterator[Upstream]:
    """An upstream connected to `fake_ledger`, as `connect` returns one."""
    with fake_ledger.connect() as upstream:
        yield upstream
