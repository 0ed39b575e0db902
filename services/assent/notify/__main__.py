"""`python -m assent.notify`"""

from assent.notify.service import SENDING, serve
from assent.process import run_service
from assent.store.service import KAFKA, POSTGRES

run_service("notify", serve, KAFKA, POSTGRES, SENDING)
