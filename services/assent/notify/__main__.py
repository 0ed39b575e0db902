"""`python -m assent.notify`"""

from assent.process import exit_without, run_service

exit_without("notify")

from assent.notify.service import SENDING, serve  # noqa: E402  what it needs is an optional part
from assent.store.reader_service import KAFKA, POSTGRES  # noqa: E402

run_service("notify", serve, KAFKA, POSTGRES, SENDING)
