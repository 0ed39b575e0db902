"""Ask for a change to a script and wait until it is applied: python submit.py JUSTIFICATION FILE"""

import sys
from pathlib import Path

from assent_contracts.client import RefusedError, connect

justification, file = sys.argv[1], Path(sys.argv[2])
try:
    with connect() as assent:
        request = assent.submit(f"script/{file.name}", "edit", file.read_text(), justification=justification)
        print(f"request {request.id} waits for approval", flush=True)
        outcome = request.wait_applied()
        print(outcome.status, outcome.message)
except RefusedError as refused:
    sys.exit(f"refused: {refused}")
