"""The commits of a branch, compared with what was applied to it (R28). Pure."""

from collections.abc import Callable, Sequence
from typing import Literal

import msgspec

from assent.reconcile.applied_requests import AppliedRequest, AppliedRequests
from assent.reconcile.known_findings import Finding

Verdict = Literal["explained", "pending", "unexplained"]
IsFirst = Callable[["Commit", str, AppliedRequest], bool]
"""Whether no earlier commit made what the request made, of a request whose commit nobody has reported."""


class Commit(msgspec.Struct, frozen=True, gc=False):
    """A commit, and the files that it changed."""

    id: str
    by: str
    """Its author, as it states."""
    requests: tuple[str, ...]
    """The requests that its trailers name. Anyone can write a trailer."""
    blobs: dict[str, str | None]
    """The blob of each changed object after the commit; None if its file was deleted."""


def judge(commit: Commit, resource: str, applied: AppliedRequests, is_first: IsFirst) -> tuple[Verdict, str]:
    """Whether a request explains what the commit did to an object, and a sentence for people if none does.

    A trailer alone proves nothing. The request must be about this object, its content must be the commit's,
    and it explains one commit only: the one that its applier has reported.
    """
    why = ""
    for name in commit.requests:
        request = applied.request(name)
        if request is None:
            why = f"It names request {name[:40]}, which was never released for this object."
        elif request.resource != resource:
            why = f"It names request {name[:40]}, which is about another object."
        elif not _has_made(request, commit.blobs[resource]):
            why = f"It names request {request.id}, which made another content."
        elif request.state == "failed":
            why = f"It is what request {request.id} would have made, which has failed."
        elif request.state == "pending":
            return "pending", ""
        elif request.state == "released":
            why = f"It names request {request.id}, which no applier has claimed."
        elif _is_its_commit(commit, resource, request, is_first):
            return "explained", ""
        else:
            why = f"It names request {request.id}, which was applied by another commit."
    return "unexplained", why


def commit_findings(
    commits: Sequence[Commit],
    applied: AppliedRequests,
    is_first: IsFirst,
    of_type: Callable[[str], bool],
) -> tuple[list[Finding], str | None]:
    """The findings in these commits, the oldest first, and the last commit that need not be read again.

    None if already the first one has to be read again, because the outcome of its request is not known.
    """
    findings: list[Finding] = []
    done: str | None = None
    waits = False
    for commit in commits:
        for resource in sorted(commit.blobs):
            if not of_type(resource):
                continue
            verdict, why = judge(commit, resource, applied, is_first)
            if verdict == "pending":
                waits = True
            elif verdict == "unexplained":
                findings.append(
                    Finding("unexplained", resource, commit.id, None, commit.by or None, why, is_history=True)
                )
        if not waits:
            done = commit.id
    return findings, done


def _is_its_commit(commit: Commit, resource: str, request: AppliedRequest, is_first: IsFirst) -> bool:
    if request.version is None:
        return is_first(commit, resource, request)
    return request.version == commit.id


def _has_made(request: AppliedRequest, blob: str | None) -> bool:
    if request.deletes:
        return blob is None
    return request.content is not None and blob in (request.content.git_sha1, request.content.git_sha256)
