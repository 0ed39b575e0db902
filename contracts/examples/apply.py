"""Keep DNS records in one file."""

import json
from pathlib import Path

from assent_contracts.client import Applied, FinalError, Release, run_applier

ZONE = Path("zone.json")


def apply(release: Release) -> Applied:
    records = json.loads(ZONE.read_text()) if ZONE.exists() else {}
    address = json.loads(bytes(release.change.payload))
    if not isinstance(address, str):
        raise FinalError("The payload must be an address, as a JSON string.")
    records[release.change.resource.removeprefix("dns-record/")] = address
    ZONE.write_text(json.dumps(records))
    return Applied(f"The record is {address} now.")


run_applier(apply, types=["dns-record"], concurrency=1)
