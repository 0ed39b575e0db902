"""The demo's governance with keys of every kind, and a decider that answers any input."""

from pathlib import Path

import pytest
import pytest_asyncio

from assent.infra_files import infra_path
from assent_contracts.client.keys import SecretKey
from tests.support.containers import Endpoints
from tests.support.log import Log, fresh_log

EXPIRED = SecretKey("expired-1", "expired", bytes(32))
EARLY = SecretKey("early-1", "early", bytes([1]) * 32)
REVOKED = SecretKey("revoked-1", "revoked", bytes([2]) * 32)
"""Valid until a test revokes it."""

_KEYS = f"""
[[principals]]
id = "expired"
kind = "service"

[[principals]]
id = "early"
kind = "service"

[[principals]]
id = "revoked"
kind = "service"

[[keys]]
id = "{REVOKED.id}"
principal = "revoked"
public_key = "{REVOKED.public}"

[[keys]]
id = "{EXPIRED.id}"
principal = "expired"
public_key = "{EXPIRED.public}"
not_after = 1

[[keys]]
id = "{EARLY.id}"
principal = "early"
public_key = "{EARLY.public}"
not_before = 9_007_199_254_740_990
"""


@pytest_asyncio.fixture(scope="module")
async def log(running: Endpoints, tmp_path_factory: pytest.TempPathFactory) -> Log:
    """A newly founded log with an expired key and one that is not valid yet."""
    folder: Path = tmp_path_factory.mktemp("keys")
    governance = folder / "governance.toml"
    governance.write_text(infra_path("demo/governance.toml").read_text() + _KEYS)
    made = await fresh_log(running.bootstrap, folder, governance=governance)
    keys = {**made.keys, "expired": EXPIRED, "early": EARLY, "revoked": REVOKED}
    return Log(made.connection, made.identity, made.writer, keys, folder)
