"""`python -m assent.notify`; with `--check-config` it checks the settings and ends."""

from assent.process import exit_without, run_or_check, service_parser

_ARGUMENTS = service_parser("notify", "Notify people of what waits for them.").parse_args()
exit_without("notify")

from assent.notify.notify_settings import read_notify_settings  # noqa: E402  what it needs is an optional part
from assent.notify.service import SENDING, serve  # noqa: E402
from assent.process_settings import need_postgres  # noqa: E402
from assent.store.reader_service import KAFKA, POSTGRES  # noqa: E402

run_or_check(
    _ARGUMENTS,
    "notify",
    serve,
    KAFKA,
    POSTGRES,
    SENDING,
    checks=(need_postgres, read_notify_settings),
)
