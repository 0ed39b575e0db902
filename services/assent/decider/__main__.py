"""`python -m assent.decider`"""

from assent.decider.service import serve
from assent.process import run_service

run_service("decider", serve, "kafka", "writer")
