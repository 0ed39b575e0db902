"""What every kind of target can be asked."""

from collections.abc import Callable
from typing import Protocol

from assent.reconcile.applied_requests import AppliedRequests
from assent.reconcile.known_findings import Finding, KnownFindings


class UnreadableTargetError(Exception):
    """The target could not be read as a whole, so nothing is compared. The message explains why."""


class Reader(Protocol):
    """Reads one target. It changes nothing there."""

    async def read(self, applied: AppliedRequests) -> None:
        """Read what the target shows now. Raises UnreadableTargetError."""
        ...

    async def findings(
        self, applied: AppliedRequests, known: KnownFindings, of_type: Callable[[str], bool]
    ) -> list[Finding]:
        """The findings in what was read that are not known, in the order in which they are reported.

        `applied` is as far as the ledger was when the target had been read. Raises UnreadableTargetError.
        """
        ...

    async def keep_position(self) -> None:
        """Note up to where it was read: all findings are on the ledger. Raises OSError."""
        ...

    async def close(self) -> None:
        """Close what is open."""
        ...
