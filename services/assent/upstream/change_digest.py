"""The digest of a normalised change: the same for the next run of the same change. Pure."""

import json
from typing import Any

from assent.upstream.mapping import Submission
from assent_contracts.digests import sha256_hex


def change_digest(submission: Submission) -> str:
    """SHA-256 (hex) over object, operation, person and payload, whatever the order and the space in it.

    Numbers count as they are written. The justification does not count: it may name the run.
    """
    change = [
        submission.resource,
        submission.operation,
        submission.on_behalf_of,
        json.loads(submission.payload, parse_int=_number, parse_float=_number, object_hook=_escaped),
    ]
    return sha256_hex(json.dumps(change, sort_keys=True, separators=(",", ":")).encode())


def _number(text: str) -> Any:
    return {"$number": text}


def _escaped(members: dict[str, Any]) -> dict[str, Any]:
    # So that no object of the payload looks like a number.
    return {f"${name}" if name.startswith("$") else name: value for name, value in members.items()}
