"""`python -m assent.upstream`; with `--check-config` it checks the file and ends."""

import sys

from assent.process import exit_without, run_service

exit_without("upstream")

from assent.process_settings import SettingsError  # noqa: E402  what it needs is an optional part
from assent.store.reader_service import KAFKA, POSTGRES  # noqa: E402
from assent.upstream.service import SENDING, check_config, serve  # noqa: E402
from assent_contracts.client.keys import KeyFileError  # noqa: E402

if "--check-config" in sys.argv[1:]:
    try:
        file = check_config()
    except (SettingsError, KeyFileError) as error:
        sys.stderr.write(f"upstream: {error}\n")
        sys.exit(2)
    sys.stdout.write(f"It is good: {', '.join(each.name for each in file.sources) or 'no source'}.\n")
else:
    run_service("upstream", serve, KAFKA, POSTGRES, SENDING)
