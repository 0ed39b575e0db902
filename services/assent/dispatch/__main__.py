"""`python -m assent.dispatch`; with `--check-config` it checks the settings and ends."""

from assent.dispatch.service import serve
from assent.process import run_or_check, service_parser

_ARGUMENTS = service_parser("dispatch", "Write released changes for appliers.").parse_args()
run_or_check(_ARGUMENTS, "dispatch", serve, "kafka")
