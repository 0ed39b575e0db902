"""`python -m tests.support.killed_mcp_proxy STEP`: the real MCP proxy, killed (SIGKILL) at one step.

`none` kills it at none.
"""

import os
import signal
import sys
from collections.abc import Callable
from typing import Any

from assent.mcp_proxy import tool_server
from assent.mcp_proxy.parked_calls import ParkedCalls
from assent.mcp_proxy.service import KAFKA, serve
from assent.process import run_service
from assent_contracts.client.applier_journal import Journal
from tests.support.killed_applier import in_a_group_of_its_own

STEPS: dict[str, Callable[[tuple[Any, ...]], bool] | None] = {
    "none": None,
    "parked": lambda arguments: not arguments[1].request and not arguments[1].called,
    "about to call": lambda arguments: bool(arguments[1].called) and not arguments[1].result,
    "result kept": lambda arguments: bool(arguments[1].result),
}
"""By step, whether a call of `ParkedCalls.put` is the one after which the process dies."""


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def die_at(step: str) -> None:
    if step == "called":
        real_call = tool_server.ToolServer.call

        async def call(self: Any, *arguments: Any) -> Any:
            await real_call(self, *arguments)
            _die()

        tool_server.ToolServer.call = call  # pyright: ignore[reportAttributeAccessIssue]
        return
    if step == "report made":
        real_write = Journal.write

        def write(self: Any, *arguments: Any) -> None:
            real_write(self, *arguments)
            if "report" in arguments:
                _die()

        Journal.write = write  # pyright: ignore[reportAttributeAccessIssue]
        return
    due = STEPS[step]
    if due is None:
        return
    real_put = ParkedCalls.put

    def put(self: Any, *arguments: Any) -> None:
        real_put(self, *arguments)
        if due((self, *arguments)):
            _die()

    ParkedCalls.put = put  # pyright: ignore[reportAttributeAccessIssue]


if __name__ == "__main__":
    die_at(sys.argv[1])
    in_a_group_of_its_own()
    run_service("mcp_proxy", serve, KAFKA)
