"""Test a handler or an upstream without a broker, by the rules of the client and of the core.

`a_release` and `HandlerTrial` are for handlers, `FakeLedger` is for upstreams. With pytest, add
`pytest_plugins = ["assent_contracts.testing.fixtures"]` to get a fixture for each.
"""

from assent_contracts.testing.fake_ledger import FakeLedger
from assent_contracts.testing.handler_trials import HandlerTrial, Killed, a_release

__all__ = ["FakeLedger", "HandlerTrial", "Killed", "a_release"]
