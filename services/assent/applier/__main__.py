"""`python -m assent.applier`, and with `--check-config` or `--dry-run` without applying anything."""

import asyncio
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from assent.applier.configuration import FILE, TARGET, configuration_of
from assent.applier.dry_run import dry_run
from assent.applier.service import serve
from assent.applier.target_choice import open_target
from assent.process import exit_with_faults, run_or_check, service_parser
from assent.process_settings import SettingsError, need_key, need_state, read_settings

_NO_IDENTITY = "0" * 64


def _check_file(environ: Mapping[str, str]) -> str:
    """Also what the file names, such as secrets. Without the other settings, so it works anywhere."""
    file, target = (Path(environ[name]) if environ.get(name) else None for name in (FILE, TARGET))
    configuration = configuration_of(file, target)

    async def opened() -> None:
        with tempfile.TemporaryDirectory() as state:
            target = await open_target(configuration, Path(state), _NO_IDENTITY, only_read=True)
            await target.close()

    asyncio.run(opened())
    return f"{environ.get(FILE) or TARGET}: a valid configuration of {configuration.limits.kind}."


def _main() -> None:
    parser = service_parser("applier", "Apply released changes to a target.", file=FILE)
    parser.add_argument(
        "--dry-run",
        nargs="*",
        metavar="REQUEST",
        help="print what the released and approved requests would change (all, or those named), and exit",
    )
    arguments = parser.parse_args()
    if arguments.dry_run is not None and not (arguments.check_config or arguments.check_file):
        try:
            sys.exit(asyncio.run(dry_run(read_settings(), arguments.dry_run)))
        except SettingsError as error:
            exit_with_faults("applier", error)
    run_or_check(arguments, "applier", serve, "kafka", checks=(need_key, need_state), check_file=_check_file)


_main()
