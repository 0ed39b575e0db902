"""`python -m assent.gateway`"""

from assent.process import exit_without, run_service

exit_without("gateway")

from assent.gateway.service import LISTENING, serve  # noqa: E402  what it needs is an optional part
from assent.store.reader_service import KAFKA, POSTGRES  # noqa: E402

run_service("gateway", serve, KAFKA, POSTGRES, LISTENING)
