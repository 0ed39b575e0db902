"""The target of changes: it counts them, and remembers in which history of the log they were applied."""

from typing import NamedTuple

from assent_contracts.digests import sha256_hex
from assent_contracts.released_change import Change


class Applied(NamedTuple):
    """One change that took effect."""

    request: str
    submission: str
    """With the request, the identity of a change: a log that lost its end assigns ids again."""
    applier: str
    digest: str
    """Of the payload."""
    claim: int
    """The number of the claim under which it was applied."""
    history: int
    """How many losses had been accepted by then."""


class Target:
    """The target of changes. It survives every loss, and accepts each submission once.

    A second applier or claim within one history is accepted, so that the model notices it. After a loss the
    log no longer knows who has applied what and may grant it to another: there the key of the change has to
    decide.
    """

    def __init__(self) -> None:
        self.applied: list[Applied] = []
        self.history = 0

    def apply(self, applier: str, change: Change, claim: int) -> None:
        """Apply a change, unless it was applied under this claim before, or in an earlier history."""
        done = self._done(change)
        mine = (applier, claim)
        if not any((each.applier, each.claim) == mine or each.history < self.history for each in done):
            about = (change.request, change.submission, applier, sha256_hex(change.payload))
            self.applied.append(Applied(*about, claim, self.history))

    def has(self, applier: str, change: Change, claim: int) -> bool:
        """Whether this applier has applied the change under this claim, or any before a loss."""
        return any(
            each.applier == applier and (each.claim == claim or each.history < self.history)
            for each in self._done(change)
        )

    def _done(self, change: Change) -> list[Applied]:
        key = (change.request, change.submission)
        return [each for each in self.applied if (each.request, each.submission) == key]
