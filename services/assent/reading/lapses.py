"""Why an approval counts no more, in words."""

from typing import Final

from assent_contracts.events import Lapse

LAPSES: Final[dict[Lapse, str]] = {
    "disabled": "is disabled",
    "not-eligible": "is in none of the approver groups any more",
    "own-signature-required": "did not sign it with a key of their own, as the policy asks now",
}
"""Completes `NAME, who ...`."""
