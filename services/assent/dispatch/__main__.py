"""`python -m assent.dispatch`"""

from assent.dispatch.service import serve
from assent.process import run_service

run_service("dispatch", serve, "kafka")
