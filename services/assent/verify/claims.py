"""What the governance ledger claims about releases of the request ledger, and whether that ledger agrees."""

import msgspec

from assent.verify.finding import FindingError


class Claim(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The governance record `seq` goes by a release: where it stands, and what was approved there."""

    seq: int
    request: str
    released: int
    """The seq of the release, in the request's partition."""
    digest: str
    as_of: int
    """The governance seq that the submission was decided under."""
    submission_sha256: bytes
    """SHA-256 of the submission's bytes."""


class Release(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A release as the request ledger has it."""

    seq: int
    digest: str
    governance: int
    """The governance seq that its record names."""


class Claims:
    """Every claim of a governance ledger. Of the request ledger it keeps only what they are about."""

    def __init__(self) -> None:
        self._claims: dict[str, Claim] = {}
        self._submissions: dict[str, tuple[bytes, int]] = {}
        self._releases: dict[str, Release] = {}

    def __len__(self) -> int:
        """How many there are."""
        return len(self._claims)

    def add(self, claim: Claim) -> None:
        """Take in a claim; the caller has seen that the request has no other."""
        self._claims[claim.request] = claim

    def submitted(self, request: str, value_sha256: bytes, governance: int) -> None:
        """Take in that the request ledger has this request, opened by a command with this SHA-256.

        `governance`: the governance seq that its record names.
        """
        if request in self._claims:
            self._submissions[request] = (value_sha256, governance)

    def released(self, request: str, release: Release) -> None:
        """Take in that the request ledger has released this request."""
        if request in self._claims:
            self._releases[request] = release

    def confirm(self) -> None:
        """Both ledgers have been read. Raises FindingError at the first claim that is not true."""
        for claim in self._claims.values():
            what = self._untrue(claim)
            if what is not None:
                raise FindingError("governance", 0, claim.seq, what)

    def _untrue(self, claim: Claim) -> str | None:
        release = self._releases.get(claim.request)
        if release is None:
            return f"the request ledger has no release of {claim.request}"
        if release.seq != claim.released:
            return f"the release of {claim.request} stands at seq {release.seq}, not {claim.released}"
        if release.digest != claim.digest:
            return f"{claim.request} was released with another digest"
        submission_sha256, as_of = self._submissions[claim.request]
        if submission_sha256 != claim.submission_sha256:
            return f"{claim.request} was submitted with other bytes"
        if as_of != claim.as_of:
            return f"{claim.request} was submitted under governance seq {as_of}, not {claim.as_of}"
        if release.governance >= claim.seq:
            # Each ledger refers to what stood in the other before: neither can make the other true.
            return (
                f"the release of {claim.request} goes by governance seq {release.governance}, not an earlier"
            )
        return None
