"""`python -m assent.reconcile`; with `--check-config` it checks the settings and ends."""

import tempfile
from collections.abc import Mapping
from functools import partial
from pathlib import Path

from assent.process import exit_without, run_or_check, service_parser

exit_without("applier")

from assent.process_settings import Faults, need, need_key, need_state  # noqa: E402  what it needs is an optional part
from assent.reconcile.configuration import FILE, Configuration, read_configurations  # noqa: E402
from assent.reconcile.service import COMPARED, serve  # noqa: E402
from assent.reconcile.target_reader import open_reader  # noqa: E402


def _check_file(environ: Mapping[str, str]) -> str:
    faults = Faults()
    configurations = read_configurations(Path(need(environ.get(FILE) or None, FILE)))
    for each in configurations:
        faults.reading(partial(_open, each), None)
    faults.raise_if_any()
    return "\n".join(
        f"A valid configuration of the target {each.common.name} ({each.common.kind})."
        for each in configurations
    )


def _open(configuration: Configuration) -> None:
    with tempfile.TemporaryDirectory() as folder:
        open_reader(configuration, Path(folder))


_ARGUMENTS = service_parser(
    "reconcile", "Compare a target with what was applied to it.", file=FILE
).parse_args()
run_or_check(_ARGUMENTS, "reconcile", serve, COMPARED, checks=(need_key, need_state), check_file=_check_file)
