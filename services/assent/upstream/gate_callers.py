"""Who asks at a gate, by the document of the event, and where the answer goes. Pure.

A callback carries a credential. So its address is never taken from an event without a check: it must be the
one that the configuration leads to.
"""

import re
from typing import Final
from urllib.parse import urlsplit

import msgspec

from assent.upstream.raw_json import text_of, value_at
from assent.upstream.source_settings import Gate, GithubDeploymentGate, GitlabStatusGate, TerraformGate

_TEXT_MAX_CHARS: Final = 512


class CallerError(Exception):
    """The caller may not ask here, or its event lacks something. The message says which."""


class GithubCallback(msgspec.Struct, frozen=True, kw_only=True):
    """Where a deployment protection rule is answered."""

    url: str
    environment: str
    installation: int
    repository: int


class GitlabCallback(msgspec.Struct, frozen=True, kw_only=True):
    """Which external status check is answered."""

    project: int
    iid: int
    sha: str
    check: int


class TerraformCallback(msgspec.Struct, frozen=True, kw_only=True):
    """Where a run task is answered."""

    url: str


Callback = GithubCallback | GitlabCallback | TerraformCallback


class Caller(msgspec.Struct, frozen=True):
    """Who asks."""

    id: str
    """The caller's own identity of its question: one that is repeated has the same."""
    callback: Callback


def caller_of(gate: Gate, document: bytes) -> Caller:
    """The caller behind an event. Raises CallerError."""
    match gate:
        case GithubDeploymentGate():
            return _github(gate, document)
        case GitlabStatusGate():
            return _gitlab(gate, document)
        case TerraformGate():
            return _terraform(gate, document)


def _github(gate: GithubDeploymentGate, document: bytes) -> Caller:
    repository = _text(document, "/body/repository/full_name")
    if repository not in gate.repositories:
        raise CallerError(f"The repository {repository!r} is not among those that may ask here.")
    url = _text(document, "/body/deployment_callback_url")
    expected = rf"{re.escape(gate.api.rstrip('/'))}/repos/{re.escape(repository)}/actions/runs/[0-9]+"
    if re.fullmatch(expected + "/deployment_protection_rule", url) is None:
        raise CallerError(f"The callback {url[:200]!r} is not one of {repository} at {gate.api}.")
    environment = _text(document, "/body/environment")
    callback = GithubCallback(
        url=url,
        environment=environment,
        installation=_number(document, "/body/installation/id"),
        repository=_number(document, "/body/repository/id"),
    )
    # A run that is started again has the same address, and another deployment.
    deployment = _number(document, "/body/deployment/id")
    return Caller(f"{deployment} {url} {environment}"[:_TEXT_MAX_CHARS], callback)


def _gitlab(gate: GitlabStatusGate, document: bytes) -> Caller:
    project = _number(document, "/body/object_attributes/target_project_id")
    if project not in gate.projects:
        raise CallerError(f"The project {project} is not among those that may ask here.")
    sha = _text(document, "/body/object_attributes/last_commit/id")
    if re.fullmatch(r"[0-9a-f]{7,64}", sha) is None:
        raise CallerError("The event has no commit at /body/object_attributes/last_commit/id.")
    callback = GitlabCallback(
        project=project,
        iid=_number(document, "/body/object_attributes/iid"),
        sha=sha,
        check=_number(document, "/body/external_approval_rule/id"),
    )
    return Caller(f"{project}/{callback.iid}/{callback.sha}/{callback.check}", callback)


def _terraform(gate: TerraformGate, document: bytes) -> Caller:
    workspace = _text(document, "/body/workspace_id")
    if workspace not in gate.workspaces:
        raise CallerError(f"The workspace {workspace!r} is not among those that may ask here.")
    url = _text(document, "/body/task_result_callback_url")
    if not is_at(url, gate.host):
        raise CallerError(f"The callback {url[:200]!r} is not at {gate.host}.")
    return Caller(_text(document, "/body/task_result_id"), TerraformCallback(url=url))


def is_at(url: str, host: str) -> bool:
    """Whether a URL leads to this host (with its port, if it has one) by https; on this machine by http."""
    try:
        parts = urlsplit(url)
        named = parts.netloc
    except ValueError:
        return False
    by_tls = parts.scheme == "https" or (
        parts.scheme == "http" and parts.hostname in ("127.0.0.1", "localhost")
    )
    return by_tls and named == host


def _text(document: bytes, pointer: str) -> str:
    value = value_at(document, pointer)
    text = None if value is None else text_of(value)
    if not text or len(text) > _TEXT_MAX_CHARS or not text.isprintable():
        raise CallerError(f"The event has no text at {pointer}.")
    return text


def _number(document: bytes, pointer: str) -> int:
    text = _text(document, pointer)
    if re.fullmatch(r"[0-9]{1,18}", text) is None:
        raise CallerError(f"The event has no number at {pointer}.")
    return int(text)
