"""`python -m assent.status`"""

from assent.process import run_service
from assent.status.service import serve
from assent.store.reader_service import KAFKA, POSTGRES

run_service("status", serve, KAFKA, POSTGRES)
