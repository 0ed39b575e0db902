"""`python -m assent.reconcile`; with `--check-config` it checks the file and ends."""

import os
import sys
import tempfile
from pathlib import Path

from assent.process import exit_without, run_service

exit_without("applier")

from assent.process_settings import SettingsError, need  # noqa: E402  what it needs is an optional part
from assent.reconcile.configuration import FILE, read_configurations  # noqa: E402
from assent.reconcile.service import COMPARED, serve  # noqa: E402
from assent.reconcile.target_reader import open_reader  # noqa: E402

if "--check-config" in sys.argv[1:]:
    try:
        configurations = read_configurations(Path(need(os.environ.get(FILE), FILE)))
        for each in configurations:
            with tempfile.TemporaryDirectory() as folder:
                open_reader(each, Path(folder))
    except SettingsError as error:
        sys.stderr.write(f"reconcile: {error}\n")
        sys.exit(2)
    for each in configurations:
        sys.stdout.write(f"A valid configuration of the target {each.common.name} ({each.common.kind}).\n")
else:
    run_service("reconcile", serve, COMPARED)
