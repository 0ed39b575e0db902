"""`python -m assent.mcp_proxy`; with `--check-config` or `--list-tools` it does that and ends."""

import asyncio
import os
import sys

from assent.process import exit_with_faults, exit_without, run_or_check, service_parser

exit_without("mcp")

from assent.mcp_proxy.configuration import FILE  # noqa: E402  what it needs is an optional part
from assent.mcp_proxy.service import KAFKA, check_file, checked_file, list_tools, serve  # noqa: E402
from assent.observe.logs import configure_logs  # noqa: E402
from assent.process_settings import SettingsError, need_key, need_state  # noqa: E402


def _main() -> None:
    parser = service_parser(
        "mcp_proxy", "An MCP server whose tools wait for approval (experimental).", file=FILE
    )
    parser.add_argument(
        "--list-tools",
        action="store_true",
        help="print the server's tools with the digests for [passes], and exit",
    )
    arguments = parser.parse_args()
    if arguments.list_tools:
        try:
            file = checked_file(os.environ)
        except SettingsError as error:
            exit_with_faults("mcp_proxy", error)
        configure_logs("mcp_proxy", "warning")
        sys.stdout.write("".join(f"{line}\n" for line in asyncio.run(list_tools(file))))
    else:
        run_or_check(
            arguments, "mcp_proxy", serve, KAFKA, checks=(need_key, need_state), check_file=check_file
        )


_main()
