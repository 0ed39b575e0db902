"""`python -m assent.audit`; with `--check-config` it checks the settings and ends."""

from assent.audit.service import serve
from assent.process import run_or_check, service_parser
from assent.process_settings import need_postgres
from assent.store.reader_service import KAFKA, POSTGRES

_ARGUMENTS = service_parser("audit", "Project every decision into Postgres.").parse_args()
run_or_check(_ARGUMENTS, "audit", serve, KAFKA, POSTGRES, checks=(need_postgres,))
