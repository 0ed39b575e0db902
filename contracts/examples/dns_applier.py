import json
from pathlib import Path

from assent_contracts.client import Applied, FinalError, Release, run_applier

ZONE = Path("zone.json")


def apply(release: Release) -> Applied:
    address = json.loads(bytes(release.change.payload))
    if not isinstance(address, str):
        raise FinalError("The payload must be an address, as a JSON string.")
    zone = json.loads(ZONE.read_text()) if ZONE.exists() else {}
    zone[release.change.resource] = address
    ZONE.write_text(json.dumps(zone) + "\n")
    return Applied(f"It is {address} now.")


run_applier(apply, types=["dns-record"], concurrency=1)
