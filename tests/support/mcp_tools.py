"""`python -m tests.support.mcp_tools FOLDER`: an MCP server whose tools write into a folder what they did.

The file `defined` in the folder, if it exists, has other descriptions of tools, JSON by name. The file
`renamed` has other names of tools.
"""

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

import mcp_types as types
from mcp.server import Server
from mcp.server.stdio import stdio_server

HUGE = 2_000_000


class Tools:
    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def _file(self, name: str) -> dict[str, str]:
        path = self._folder / name
        return json.loads(path.read_text()) if path.exists() else {}

    async def list_tools(self, ctx: Any, params: Any) -> types.ListToolsResult:
        described, renamed = self._file("defined"), self._file("renamed")
        names = ["deploy", "read", "fail", "huge", "slow"]
        return types.ListToolsResult(
            tools=[
                types.Tool(
                    name=renamed.get(name, name),
                    description=described.get(name, f"It does {name}."),
                    input_schema={"type": "object"},
                )
                for name in names
            ]
        )

    async def call_tool(self, ctx: Any, params: types.CallToolRequestParams) -> types.CallToolResult:
        with (self._folder / "called").open("a") as file:
            file.write(json.dumps([params.name, params.arguments], sort_keys=True) + "\n")
        if params.name == "slow":
            while not (self._folder / "go").exists():
                await asyncio.sleep(0.02)
        text = "x" * HUGE if params.name == "huge" else f"{params.name} is done"
        content: list[types.ContentBlock] = [types.TextContent(type="text", text=text)]
        return types.CallToolResult(content=content, is_error=params.name == "fail")


async def main(folder: Path) -> None:
    tools = Tools(folder)
    server: Server[Any] = Server("tools", on_list_tools=tools.list_tools, on_call_tool=tools.call_tool)
    async with stdio_server() as (received, sent):
        await server.run(received, sent, server.create_initialization_options())


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
