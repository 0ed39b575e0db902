"""`python -m assent.coordinator`"""

from assent.coordinator.service import serve
from assent.process import run_service

run_service("coordinator", serve, "kafka")
