"""`python -m assent.applier`, and with `--check-config` or `--dry-run` without applying anything."""

import argparse
import asyncio
import os
import sys
import tempfile
from pathlib import Path

from assent.applier.configuration import FILE, TARGET, configuration_of
from assent.applier.dry_run import dry_run
from assent.applier.service import serve
from assent.applier.target_choice import open_target
from assent.process import run_service
from assent.process_settings import SettingsError, read_settings

_NO_IDENTITY = "0" * 64


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m assent.applier",
        description="Apply released changes to a target. Settings come from the environment.",
    )
    chosen = parser.add_mutually_exclusive_group()
    chosen.add_argument(
        "--check-config", action="store_true", help=f"check the file {FILE}, print its faults, and exit"
    )
    chosen.add_argument(
        "--dry-run",
        nargs="*",
        metavar="REQUEST",
        help="print what the released and approved requests would change (all, or those named), and exit",
    )
    return parser.parse_args()


async def _check_config() -> None:
    # Without the other settings, so that a file can be checked anywhere.
    file, target = (Path(os.environ[name]) if os.environ.get(name) else None for name in (FILE, TARGET))
    configuration = configuration_of(file, target)
    with tempfile.TemporaryDirectory() as state:
        opened = await open_target(configuration, Path(state), _NO_IDENTITY, only_read=True)
        await opened.close()
    sys.stdout.write(
        f"{os.environ.get(FILE) or TARGET}: a valid configuration of {configuration.limits.kind}.\n"
    )


def _main() -> None:
    arguments = _arguments()
    try:
        if arguments.check_config:
            asyncio.run(_check_config())
        elif arguments.dry_run is not None:
            sys.exit(asyncio.run(dry_run(read_settings(), arguments.dry_run)))
        else:
            settings = read_settings()
            configuration_of(settings.applier_file, settings.target)
            run_service("applier", serve, "kafka")
    except SettingsError as error:
        sys.stderr.write(f"applier: {error}\n")
        sys.exit(2)


_main()
