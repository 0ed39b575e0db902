"""Faults in sources and gates: who is believed, what counts as the same, and when a caller passes."""

from typing import Final

from tests.faults.fault import Fault

_OF_UPSTREAMS: Final = ("tests/unit/upstream",)


def _upstream(breaks: str, file: str, old: str, new: str) -> Fault:
    return Fault(breaks, f"services/assent/upstream/{file}.py", old, new, _OF_UPSTREAMS)


FAULTS: Final = (
    _upstream(
        "a webhook with any signature is believed",
        "signatures",
        "    if not hmac.compare_digest(",
        '    if hmac.compare_digest(b"", b"x") and not hmac.compare_digest(',
    ),
    _upstream(
        "a captured webhook is a new event under another id",
        "signatures",
        """    return hashlib.sha256(body).hexdigest() if scheme == "github" else None\n""",
        "    return None\n",
    ),
    _upstream(
        "a person whom the mapping does not know is submitted for",
        "mapping",
        "    if text not in table:\n",
        "    if text not in table:\n        return text\n    if not table:\n",
    ),
    _upstream(
        "a number in a payload is rounded on its way",
        "change_digest",
        "parse_float=_number",
        "parse_float=float",
    ),
    _upstream(
        "a caller passes before its request is released",
        "gate_rules",
        """            return "complete"\n""",
        """            return "pass"\n""",
    ),
    _upstream(
        "a revoked approval still opens a gate",
        "gate_rules",
        "        case ChangeSubmitted() | ApprovalRevoked() | RequestReopened():\n",
        "        case ChangeSubmitted():\n",
    ),
    _upstream(
        "an approval opens a gate twice",
        "gate_rules",
        """            return "pass" if approvals == "reused" else "ask-again"\n""",
        """            return "pass"\n""",
    ),
    _upstream(
        "an approval of any age opens a gate",
        "gate_rules",
        '            return age_s <= within_s\n        case "used"',
        '            return True\n        case "used"',
    ),
)
