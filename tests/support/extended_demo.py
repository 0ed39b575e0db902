"""The demo's log with additions to its governance file: gateways, and policies of other forms."""

from pathlib import Path
from typing import Final

import msgspec

from assent.infra_files import infra_path
from assent_contracts.client.keys import SecretKey
from tests.support.log import Actor, Log, fresh_log

PORTAL: Final = "portal"
"""A gateway for every resource type."""
APP_PORTAL: Final = "app-portal"
"""A gateway for apps only."""

GATEWAYS: Final = f"""
[[principals]]
id = "{PORTAL}"
kind = "service"

[[principals]]
id = "{APP_PORTAL}"
kind = "service"

[[roles]]
role = "gateway"
principals = ["{PORTAL}"]

[[roles]]
role = "gateway"
principals = ["{APP_PORTAL}"]
resource_types = ["app"]
"""


def policy_table(
    resource_type: str, *fields: str, approvals: str = '{ groups = ["endpoint-admins"] }'
) -> str:
    """A policy for a type, named after it; `fields` are lines of TOML, `approvals` the rules in it."""
    said = "\n".join(fields)
    return f"""
[[policies]]
id = "{resource_type}s"
name = "{resource_type}s"
resource_type = "{resource_type}"
approvals = [{approvals}]
{said}
"""


async def demo_with(bootstrap: str, folder: Path, *tables: str) -> Log:
    """A newly founded log on the demo's governance file with these tables of TOML added."""
    governance = folder / "governance.toml"
    governance.write_text(infra_path("demo/governance.toml").read_text() + "".join(tables))
    return await fresh_log(bootstrap, folder, governance=governance)


def through(actor: Actor, gateway: SecretKey) -> Actor:
    """The same, but this key signs whatever they send, on behalf of any account."""
    keys = dict.fromkeys(actor.log.keys, gateway)
    return Actor(msgspec.structs.replace(actor.log, keys=keys), actor.publisher)
