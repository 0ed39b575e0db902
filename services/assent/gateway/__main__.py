"""`python -m assent.gateway`; with `--check-config` it checks the settings and ends."""

from assent.process import exit_without, run_or_check, service_parser

_ARGUMENTS = service_parser("gateway", "Serve the HTTP API and the console.").parse_args()
exit_without("gateway")

from assent.gateway.service import LISTENING, check_gateway, serve  # noqa: E402  what it needs is an optional part
from assent.process_settings import need_key, need_postgres  # noqa: E402
from assent.store.reader_service import KAFKA, POSTGRES  # noqa: E402

run_or_check(
    _ARGUMENTS,
    "gateway",
    serve,
    KAFKA,
    POSTGRES,
    LISTENING,
    checks=(need_key, need_postgres, check_gateway),
)
