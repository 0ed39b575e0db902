"""A log with two reconcilers besides the demo's accounts."""

from pathlib import Path

import pytest
import pytest_asyncio

from assent.infra_files import infra_path
from assent_contracts.client.follower import GovernanceFollower
from tests.support.containers import Endpoints
from tests.support.log import Actor, Log, fresh_log
from tests.support.reconciling import RECONCILERS, Reconciling

_ACCOUNTS = "".join(
    f"""
[[principals]]
id = "{name}"
kind = "service"
"""
    for name in RECONCILERS
)
_ROLE = """
[[roles]]
role = "reconciler"
principals = ["reconciler", "reconciler2"]
resource_types = ["script", "app", "flag"]

[[policies]]
id = "flags"
name = "Flags"
resource_type = "flag"
approver_groups = ["endpoint-admins"]
quorum = 1
"""


@pytest_asyncio.fixture(scope="module")
async def log(running: Endpoints, tmp_path_factory: pytest.TempPathFactory) -> Log:
    folder: Path = tmp_path_factory.mktemp("keys")
    governance = folder / "governance.toml"
    governance.write_text(infra_path("demo/governance.toml").read_text("utf-8") + _ACCOUNTS + _ROLE)
    return await fresh_log(running.bootstrap, folder, governance=governance)


@pytest.fixture
def reconciling(
    log: Log, follower: GovernanceFollower, actor: Actor, tmp_path: Path, request: pytest.FixtureRequest
) -> Reconciling:
    return Reconciling(log, follower, actor, tmp_path, f"t{abs(hash(request.node.name)) % 10**9}")
