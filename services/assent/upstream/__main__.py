"""`python -m assent.upstream`; with `--check-config` it checks the settings and ends."""

from assent.process import exit_without, run_or_check, service_parser

exit_without("upstream")

from assent.process_settings import need_key, need_postgres  # noqa: E402  what it needs is an optional part
from assent.store.reader_service import KAFKA, POSTGRES  # noqa: E402
from assent.upstream.configuration import FILE  # noqa: E402
from assent.upstream.service import SENDING, check_file, serve  # noqa: E402

_ARGUMENTS = service_parser("upstream", "Submit what other systems send.", file=FILE).parse_args()
run_or_check(
    _ARGUMENTS,
    "upstream",
    serve,
    KAFKA,
    POSTGRES,
    SENDING,
    checks=(need_key, need_postgres),
    check_file=check_file,
)
