"""What every kind of target can do."""

from typing import Protocol

from assent_contracts.client.handler import Applied, Release
from assent_contracts.released_change import Change


class Target(Protocol):
    """A target: a system that the applier changes."""

    @property
    def reads_back(self) -> bool:
        """Whether it can be found out if a change was made. If not, to make it again must do no harm."""
        ...

    async def apply(self, release: Release) -> Applied | None:
        """Make the change. It may be called again for a release that was made already.

        Raises RetryableError, FinalError and UnknownOutcomeError, as a handler does.
        """
        ...

    async def read_back(self, release: Release) -> Applied | None:
        """What the target shows of a change that may have been made; None if it was not made.

        It changes nothing. Raises RetryableError, UnknownOutcomeError.
        """
        ...

    async def plan(self, change: Change) -> str:
        """What the change would do, as text for people. It changes nothing. Raises FinalError,
        RetryableError.
        """
        ...

    async def close(self) -> None:
        """Close what is open."""
        ...
