"""The message of a change's commit, and the trailers by which the commit is found again. Pure."""

from typing import Final

from assent_contracts.client.handler import Release

KEY: Final = "Assent-Idempotency-Key"
"""The trailer that identifies a release among all releases of all logs."""


def message_of(release: Release) -> str:
    """What git stores: a title, the justification, and trailers for programs.

    The justification is indented, so that no line of it is taken for a trailer.
    """
    change = release.change
    trailers = [
        ("Assent-Request", change.request),
        ("Assent-Submission", change.submission),
        ("Assent-Digest", f"sha256:{change.digest}"),
        ("Assent-Requested-By", change.requester),
        *(("Assent-Approved-By", each) for each in release.approvers),
        (KEY, release.idempotency_key),
    ]
    if isinstance(change.on_behalf_of, str):
        trailers.insert(4, ("Assent-On-Behalf-Of", change.on_behalf_of))
    reason = "\n".join(f"    {line}" for line in change.justification.splitlines())
    listed = "\n".join(f"{name}: {value}" for name, value in trailers)
    return f"{change.operation} {change.resource} (request {change.request})\n\n{reason}\n\n{listed}\n"


def has_key(trailers: str, key: str) -> bool:
    """Whether these trailers, as git lists them, are those of the release with this key."""
    return f"{KEY}: {key}" in trailers.splitlines()
