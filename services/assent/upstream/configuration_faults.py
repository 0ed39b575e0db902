"""What is wrong with an upstream file, fault by fault."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from assent.process_settings import SettingsError, read_secret_file
from assent.upstream.mapping import TemplateError, check_mapping
from assent.upstream.signatures import secret_fault
from assent.upstream.source_settings import (
    Gate,
    GithubDeploymentGate,
    GitlabStatusGate,
    GitSource,
    HttpFields,
    HttpSource,
    KafkaSource,
    Scheme,
    Source,
    TerraformGate,
    scheme_of,
)
from assent.upstream.upstream_file import UpstreamFile

_BODY_LIMIT: Final = 2 * 1024 * 1024
"""No source may take larger bodies."""
_KEEP_DAYS_MIN: Final = 3
_APPROVAL_DAYS_MAX: Final = 30
_REFUSED_STATUSES: Final = (200, 202, 204, 400, 401, 403, 404)
_NAME: Final = re.compile(r"[a-z][a-z0-9-]{0,63}")
_BRANCH: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._/-]{0,254}")
_TRANSPORT: Final = re.compile(r"[a-z]+::")
"""Another program that git would run."""
_PATH: Final = re.compile(r"(/[A-Za-z0-9._-]+)+")


def faults_of(file: UpstreamFile) -> Iterator[str]:
    """Each fault in a sentence, without a full stop."""
    yield from _faults_of_names(file)
    if file.http is not None and not 0 <= file.http.port < 65_536:
        yield f"http.port is not a port: {file.http.port}"
    if file.console is not None and not _is_address(file.console):
        yield f"console is not like https://assent.example.com: {file.console!r}"
    if file.keep_days < _KEEP_DAYS_MIN:
        yield f"keep_days is less than {_KEEP_DAYS_MIN}, for which GitHub can redeliver"
    for source in file.sources:
        for fault in _faults_of_source(source):
            yield f"source {source.name}: {fault}"


def _faults_of_names(file: UpstreamFile) -> Iterator[str]:
    names = [each.name for each in file.sources]
    for name in sorted({each for each in names if names.count(each) > 1}):
        yield f"two sources are named {name!r}"
    paths = [each.path for each in file.of(HttpFields)]
    paths += [each.poke_path for each in file.of(GitSource) if each.poke_path is not None]
    for path in sorted({each for each in paths if paths.count(each) > 1}):
        yield f"two sources have the path {path!r}"
    for path in paths:
        if not _PATH.fullmatch(path):
            yield f"a path is letters, digits, . _ - after slashes, and not {path!r}"
    if paths and file.http is None:
        yield "http is missing: the port on which webhooks arrive"


def _faults_of_source(source: Source) -> Iterator[str]:
    if not _NAME.fullmatch(source.name):
        yield "a name is small letters, digits and -, at most 64"
    try:
        check_mapping(source.mapping)
    except TemplateError as error:
        yield f"mapping.{error}"
    match source:
        case HttpFields():
            yield from _faults_of_http(source)
        case KafkaSource():
            if source.topic.startswith("assent."):
                yield "the topic is one of Assent's own"
        case GitSource():
            yield from _faults_of_git(source)
        case _:
            pass


def _faults_of_git(source: GitSource) -> Iterator[str]:
    if source.repository.startswith("-") or _TRANSPORT.match(source.repository):
        yield "the repository is an address of https, ssh or a path"
    if not _BRANCH.fullmatch(source.branch) or ".." in source.branch:
        yield f"the branch is not a branch's name: {source.branch!r}"
    if source.path.startswith("/") or ".." in source.path.split("/"):
        yield "the path is a folder in the repository, without / before it"
    if source.header_file is not None:
        yield from _faults_of_secret(source.header_file, "header_file", None)


def _faults_of_http(source: HttpFields) -> Iterator[str]:
    if not source.secret_files:
        yield "secret_files is empty: unsigned requests are never accepted"
    if not 0 < source.body_max_bytes <= _BODY_LIMIT:
        yield f"body_max_bytes is from 1 to {_BODY_LIMIT:,}"
    for path in source.secret_files:
        yield from _faults_of_secret(path, "secret_files", scheme_of(source))
    if isinstance(source, HttpSource):
        status = source.refused_status
        if status is not None and status not in _REFUSED_STATUSES:
            yield f"refused_status is one of {', '.join(map(str, _REFUSED_STATUSES))}"
    elif isinstance(source, Gate):
        yield from _faults_of_gate(source)


def _faults_of_gate(gate: Gate) -> Iterator[str]:
    if not 0 < gate.approval_days <= _APPROVAL_DAYS_MAX:
        yield f"approval_days is more than 0 and at most {_APPROVAL_DAYS_MAX}"
    match gate:
        case GithubDeploymentGate() | GitlabStatusGate():
            field = "app_key_file" if isinstance(gate, GithubDeploymentGate) else "token_file"
            yield from _faults_of_secret(getattr(gate, field), field, None)
            if not _is_address(gate.api):
                yield f"api is not an address: {gate.api!r}"
        case TerraformGate():
            if not 0 < gate.running_every_s < 600:
                yield "running_every_s is below 600: Terraform gives up after 10 minutes without a report"
            if not gate.running_every_s < gate.give_up_s < 3_600:
                yield "give_up_s is above running_every_s and below 3600, after which Terraform gives up"


def _faults_of_secret(path: Path, field: str, scheme: Scheme | None) -> Iterator[str]:
    try:
        secret = read_secret_file(path, field)
    except SettingsError as error:
        yield str(error).rstrip(".")
        return
    fault = None if scheme is None else secret_fault(scheme, secret)
    if fault is not None:
        yield f"the secret in {path}: {fault}"


def _is_address(text: str) -> bool:
    parts = urlsplit(text)
    return parts.scheme in ("https", "http") and bool(parts.hostname) and not (parts.query or parts.fragment)
