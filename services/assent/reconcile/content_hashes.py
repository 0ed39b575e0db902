"""The hashes by which a content is recognised at a target. Pure."""

import hashlib

import msgspec


class ContentHashes(msgspec.Struct, frozen=True, gc=False):
    """One content: its SHA-256, and its blob ids in git repositories of either format. All hex."""

    sha256: str
    git_sha1: str
    git_sha256: str


def hashes_of(content: bytes) -> ContentHashes:
    """The hashes of a content."""
    blob = b"blob %d\0" % len(content) + content
    return ContentHashes(
        hashlib.sha256(content).hexdigest(),
        hashlib.sha1(blob, usedforsecurity=False).hexdigest(),
        hashlib.sha256(blob).hexdigest(),
    )
