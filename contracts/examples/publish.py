import sys
from pathlib import Path

from assent_contracts.client import RefusedError, connect

build, script = sys.argv[1], Path(sys.argv[2])
try:
    with connect() as assent:
        request = assent.submit(
            f"script/{script.name}", "edit", script.read_text(), justification=build, id=build
        )
        print(f"request {request.id} is on the ledger", flush=True)
        outcome = request.wait_applied()
        print(f"request {request.id} is {outcome.status}")
except RefusedError as refused:
    print(f"refused: {refused}")
    sys.exit(2)
