"""`python -m assent.decider`; with `--check-config` it checks the settings and ends."""

from functools import partial

from assent.decider.service import serve
from assent.decider.writer_key_check import load_writer_key
from assent.process import run_or_check, service_parser
from assent.process_settings import need_key

_ARGUMENTS = service_parser("decider", "Decide commands and write the ledgers.").parse_args()
run_or_check(
    _ARGUMENTS, "decider", serve, "kafka", "writer", checks=(partial(need_key, load=load_writer_key),)
)
