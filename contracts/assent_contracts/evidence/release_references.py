"""The governance ledger's claims about releases, and whether the request ledger has evidence of them."""

import msgspec

from assent_contracts.eras import gives_up_of
from assent_contracts.governance_objects import Loss


class ReleaseReference(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The governance record `seq` claims a release: where it is, and what was approved there."""

    seq: int
    request: str
    released: int
    """The seq of the release, in the request's partition."""
    digest: str
    as_of: int
    """The governance seq under which the submission was decided."""
    submission_sha256: bytes
    """SHA-256 of the submission's bytes."""


class LedgerRelease(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A release as the request ledger has it."""

    seq: int
    digest: str
    governance: int
    """The governance seq that its record names."""
    as_of: int
    """The governance seq that the record of the submission names."""
    submission_sha256: bytes


def untrue(claim: ReleaseReference, release: LedgerRelease | None) -> str | None:
    """What is wrong with a claim; None if the request ledger confirms it. `release`: that of its request."""
    if release is None:
        return f"the request ledger has no release of {claim.request}"
    if release.seq != claim.released:
        return f"the release of {claim.request} is at seq {release.seq}, not {claim.released}"
    if release.digest != claim.digest:
        return f"{claim.request} was released with another digest"
    if release.submission_sha256 != claim.submission_sha256:
        return f"{claim.request} was submitted with other bytes"
    if release.as_of != claim.as_of:
        return f"{claim.request} was submitted under governance seq {release.as_of}, not {claim.as_of}"
    if release.governance >= claim.seq:
        # Each ledger refers only to what was in the other before, so they cannot confirm each other in a
        # circle.
        return f"{claim.request} was released under governance seq {release.governance}, not an earlier one"
    return None


class Confirmations:
    """The claims of governance in order, and how many of them have evidence on the request ledger.

    A claim is compared with a release whose evidence assumes that governance is sound up to the seq that it
    names. That seq is before the claim. So all claims up to a seq are true once each of them has been
    compared.
    """

    def __init__(self) -> None:
        self._waiting: dict[str, ReleaseReference] = {}
        self._released: dict[str, LedgerRelease] = {}

    def add(self, claim: ReleaseReference) -> None:
        """Add a claim. The caller has checked that its request has no other claim."""
        if untrue(claim, self._released.pop(claim.request, None)) is not None:
            self._waiting[claim.request] = claim

    def released(self, request: str, release: LedgerRelease) -> None:
        """Add a release of a change to governance for which the request ledger has evidence."""
        claim = self._waiting.get(request)
        if claim is None:
            self._released[request] = release
        elif untrue(claim, release) is None:
            del self._waiting[request]

    def give_up(self, loss: Loss) -> None:
        """Forget what an accepted loss gives up, because there will never be evidence of it."""
        self._waiting = {
            request: claim
            for request, claim in self._waiting.items()
            if not gives_up_of(loss, request, claim.released)
        }
        self._released = {
            request: release
            for request, release in self._released.items()
            if not gives_up_of(loss, request, release.seq)
        }

    def unconfirmed(self, seq: int) -> ReleaseReference | None:
        """The first claim up to the governance seq `seq` without evidence so far; None if there is none."""
        first = next(iter(self._waiting.values()), None)
        return first if first is not None and first.seq <= seq else None
