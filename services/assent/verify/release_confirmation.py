"""What another ledger or partition claims about releases in the request ledger, and whether that agrees."""

from typing import Final

import msgspec

from assent.verify.finding import FindingError
from assent.verify.set_confirmation import SetReferences
from assent_contracts.eras import gives_up_of
from assent_contracts.evidence.release_references import LedgerRelease, ReleaseReference, untrue
from assent_contracts.governance_objects import Loss


class RecordedRelease(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A release as it is in the request ledger."""

    seq: int
    digest: str
    governance: int
    """The governance seq that its record names."""


class ReleaseReferences:
    """Every claim of a governance ledger, with only what concerns them from the request ledger."""

    def __init__(self) -> None:
        self.sets: Final = SetReferences()
        """R29: what members of sets claim about other partitions."""
        self._claims: dict[str, ReleaseReference] = {}
        self._submissions: dict[str, tuple[bytes, int]] = {}
        self._releases: dict[str, RecordedRelease] = {}

    def __len__(self) -> int:
        """How many claims there are."""
        return len(self._claims)

    def add(self, claim: ReleaseReference) -> None:
        """Add a claim. The caller has checked that the request has no other."""
        self._claims[claim.request] = claim

    def give_up(self, loss: Loss) -> int:
        """Drop the claims that an accepted loss gives up and no one can confirm; returns their number."""
        self.sets.give_up(loss)
        before = len(self._claims)
        self._claims = {
            request: claim
            for request, claim in self._claims.items()
            if not gives_up_of(loss, request, claim.released)
        }
        return before - len(self._claims)

    def submitted(self, request: str, value_sha256: bytes, governance: int) -> None:
        """Note that the request ledger has this request, opened by a command with this SHA-256.

        `governance`: the governance seq that its record names.
        """
        if request in self._claims:
            self._submissions[request] = (value_sha256, governance)

    def released(self, request: str, release: RecordedRelease) -> None:
        """Note that the request ledger has released this request."""
        if request in self._claims:
            self._releases[request] = release

    def confirm(self) -> None:
        """Check all claims once both ledgers are read. Raises FindingError at the first that is not true."""
        for claim in self._claims.values():
            what = self._untrue(claim)
            if what is not None:
                raise FindingError("governance", 0, claim.seq, what)
        self.sets.confirm()

    def _untrue(self, claim: ReleaseReference) -> str | None:
        release = self._releases.get(claim.request)
        if release is None:
            return untrue(claim, None)
        submission_sha256, as_of = self._submissions[claim.request]
        found = LedgerRelease(
            seq=release.seq,
            digest=release.digest,
            governance=release.governance,
            as_of=as_of,
            submission_sha256=submission_sha256,
        )
        return untrue(claim, found)
