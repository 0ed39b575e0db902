"""`python -m tests.bench [--json FILE] [--commands N] [--repeats R] [--only NAME,...] ...`"""

import argparse
import asyncio
import logging
import sys
import tempfile
from pathlib import Path

import msgspec
from rich.console import Console

from assent.local.stack import Stack
from assent_contracts.client.connection import Connection
from tests.bench.child import peak_mib
from tests.bench.founded_log import found_log
from tests.bench.measures import GROUPS, OF_A_LEDGER, Bench, estimate_s
from tests.bench.progress import Steps
from tests.bench.report import figures, machine, show
from tests.bench.workload import WAVE

_DATA = Path(".data")
_PLAIN_WIDTH = 150
"""Width of a line in characters when the terminal does not report one."""
_LATENCY_S = 30
_QUICK_LATENCY_S = 10
_QUICK_COMMANDS = 1_000_000
"""A run with fewer commands than this is a quick one."""


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there")
    parser.add_argument("--commands", type=int, default=1_000_000, help=f"a multiple of {WAVE:,}")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--only", default=",".join(GROUPS), metavar="NAME,...", help=", ".join(GROUPS))
    parser.add_argument(
        "--organisation",
        choices=("demo", "large"),
        default="large",
        help="large: 10,000 principals, 1,000 groups and 500 policies",
    )
    arguments = parser.parse_args()
    if arguments.commands < WAVE or arguments.commands % WAVE:
        parser.error(f"--commands must be a multiple of {WAVE:,}")
    if unknown := set(arguments.only.split(",")) - set(GROUPS):
        parser.error(f"--only does not know {', '.join(sorted(unknown))}; it knows {', '.join(GROUPS)}")
    return arguments


async def _run(arguments: argparse.Namespace, console: Console, folder: Path) -> Bench:
    chosen = frozenset(arguments.only.split(","))
    commands, repeats = arguments.commands, arguments.repeats
    latency_s = _LATENCY_S if commands >= _QUICK_COMMANDS else _QUICK_LATENCY_S
    with Steps(console, estimate_s(chosen, commands, repeats, latency_s)) as steps:
        async with Stack(folder / "data", for_load=True) as stack:
            log = await found_log(Connection(bootstrap=stack.bootstrap), folder, arguments.organisation)
            bench = Bench(stack, log, folder, steps, commands=commands, latency_s=latency_s)
            if chosen & OF_A_LEDGER:
                await bench.ledger(chosen, repeats)
            if "latency" in chosen:
                await bench.latency(repeats)
            if "apply" in chosen:
                await bench.apply(repeats)
            if "gateway" in chosen:
                await bench.gateway(repeats)
            if "takeover" in chosen:
                await bench.open_requests()
            if stack.kafka.pid is not None:
                steps.say(f"the broker's peak memory: {peak_mib(stack.kafka.pid):,.0f} MiB")
    return bench


def main() -> None:
    """Measure, show the figures, and save those that were requested."""
    arguments = _arguments()
    console = Console(width=None if sys.stdout.isatty() else _PLAIN_WIDTH)
    logging.basicConfig(level=logging.ERROR)
    about = machine()
    console.print(f"At the start: {about}", highlight=False)
    _DATA.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=_DATA, prefix="bench-", ignore_cleanup_errors=True) as folder:
        bench = asyncio.run(_run(arguments, console, Path(folder).resolve()))
    found = figures(bench.samples)
    show(console, found)
    console.print(f"At the start: {about}", highlight=False)
    if arguments.json is not None:
        arguments.json.write_bytes(msgspec.json.format(msgspec.json.encode(found)) + b"\n")


if __name__ == "__main__":
    main()
