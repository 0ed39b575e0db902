"""`python -m assent.audit`"""

from assent.audit.service import serve
from assent.process import run_service
from assent.store.reader_service import KAFKA, POSTGRES

run_service("audit", serve, KAFKA, POSTGRES)
