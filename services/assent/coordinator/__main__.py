"""`python -m assent.coordinator`; with `--check-config` it checks the settings and ends."""

from assent.coordinator.service import serve
from assent.process import run_or_check, service_parser
from assent.process_settings import need_key

_ARGUMENTS = service_parser("coordinator", "Carry sets and their members forward.").parse_args()
run_or_check(_ARGUMENTS, "coordinator", serve, "kafka", checks=(need_key,))
