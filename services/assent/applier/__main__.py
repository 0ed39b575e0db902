"""`python -m assent.applier`"""

from assent.applier.service import serve
from assent.process import run_service

run_service("applier", serve, "kafka")
