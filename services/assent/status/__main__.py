"""`python -m assent.status`; with `--check-config` it checks the settings and ends."""

from assent.process import run_or_check, service_parser
from assent.process_settings import need_postgres
from assent.status.service import serve
from assent.store.reader_service import KAFKA, POSTGRES

_ARGUMENTS = service_parser("status", "Project the state of every request into Postgres.").parse_args()
run_or_check(_ARGUMENTS, "status", serve, KAFKA, POSTGRES, checks=(need_postgres,))
