"""`python -m assent.mcp_proxy`; with `--check-config` or `--list-tools` it does that and ends."""

import argparse
import asyncio
import sys

from assent.process import exit_without, run_service

exit_without("mcp")

from assent.mcp_proxy.configuration import read_mcp_file, read_mcp_settings  # noqa: E402  what it needs is an optional part
from assent.mcp_proxy.listening import tokens_of  # noqa: E402
from assent.mcp_proxy.service import KAFKA, list_tools, serve  # noqa: E402
from assent.mcp_proxy.tool_server import check_server  # noqa: E402
from assent.observe.logs import configure_logs  # noqa: E402
from assent.process_settings import SettingsError  # noqa: E402


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m assent.mcp_proxy",
        description="An MCP server whose tools wait for approval (experimental).",
    )
    chosen = parser.add_mutually_exclusive_group()
    chosen.add_argument(
        "--check-config", action="store_true", help="check the file ASSENT_MCP_FILE, and exit"
    )
    chosen.add_argument(
        "--list-tools",
        action="store_true",
        help="print the server's tools with the digests for [passes], and exit",
    )
    return parser.parse_args()


def _main() -> None:
    arguments = _arguments()
    try:
        file = read_mcp_file(read_mcp_settings().file)
        check_server(file.server)
        tokens_of(file)
        if arguments.check_config:
            sys.stdout.write(f"It is good: {file.type}, {', '.join(each.name for each in file.agents)}.\n")
        elif arguments.list_tools:
            configure_logs("mcp_proxy", "warning")
            sys.stdout.write("".join(f"{line}\n" for line in asyncio.run(list_tools(file))))
        else:
            run_service("mcp_proxy", serve, KAFKA)
    except SettingsError as error:
        sys.stderr.write(f"mcp_proxy: {error}\n")
        sys.exit(2)


_main()
