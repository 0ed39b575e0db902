"""`python -m assent.gateway`"""

from assent.gateway.service import LISTENING, serve
from assent.process import run_service
from assent.store.service import KAFKA, POSTGRES

run_service("gateway", serve, KAFKA, POSTGRES, LISTENING)
