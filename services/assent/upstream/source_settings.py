"""The sources and gates of an upstream file: what can be written there."""

from pathlib import Path
from typing import Final, Literal

import msgspec

from assent.upstream.mapping import Mapping

Scheme = Literal["github", "gitlab-token", "gitlab-status-check", "standard-webhooks", "terraform"]
"""How a request is signed."""

BODY_MAX_BYTES: Final = 1024 * 1024
"""The default limit of a request's body, after decompression."""


class SourceFields(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="kind"):
    """The fields of every source."""

    name: str
    """Its name: `[a-z][a-z0-9-]{0,63}`. Command ids depend on it, so it stays the same."""
    key_file: Path | None = None
    """The key of the service account that submits. By default ASSENT_KEY_FILE."""


class HttpFields(SourceFields, frozen=True, kw_only=True):
    """The fields of every source that listens for signed HTTP requests."""

    path: str
    """The path of the URL that the sender calls, such as `/hooks/github`."""
    secret_files: list[Path]
    """Files with a secret each, without a line break. Two while one is replaced by the other."""
    body_max_bytes: int = BODY_MAX_BYTES
    """The largest body, after decompression."""


class HttpSource(HttpFields, frozen=True, kw_only=True, tag="http"):
    """Signed webhooks, one submission each."""

    signature: Scheme
    """How the sender signs."""
    mapping: Mapping
    refused_status: int | None = None
    """The status that answers an event that is refused for its signature or its size. By default 401 or 413,
    and 202 for GitLab, which stops sending to a receiver that answers errors."""


class GateFields(HttpFields, frozen=True, kw_only=True):
    """The fields of every gate."""

    approval_days: float = 7.0
    """How old an approval may be that a later run finds."""
    approvals: Literal["once", "reused"] = "once"
    """Whether an approval opens the gate for one run, or for every run of the same change."""
    report: bool = True
    """Whether the gate claims the approved request and reports how it ended."""
    applier_key_file: Path | None = None
    """The key of the service account that claims and reports, which has the role applier for the type. By
    default the account that submits. A policy that separates duties wants another one."""


class GithubDeploymentGate(GateFields, frozen=True, kw_only=True, tag="github-deployment"):
    """A deployment protection rule: a job of GitHub Actions waits until the deployment is approved."""

    repositories: list[str]
    """`owner/name` of the repositories that may ask."""
    app_id: str
    """The client id of the GitHub App."""
    app_key_file: Path
    """Its private key, PEM."""
    api: str = "https://api.github.com"
    """The address of GitHub's API. Callbacks go nowhere else."""
    mapping: Mapping = Mapping(
        resource="deployment/{/body/repository/full_name}/{/body/environment}",
        operation="deploy",
        justification="Deploy {/body/sha} of {/body/repository/full_name} to {/body/environment}.",
        payload={
            "repository": "{/body/repository/full_name}",
            "environment": "{/body/environment}",
            "ref": "{/body/ref}",
            "sha": "{/body/sha}",
        },
        when={"/headers/x-github-event": ["deployment_protection_rule"], "/body/action": ["requested"]},
    )
    """The change that is approved. Runs with the same object, operation and payload are the same change."""


class GitlabStatusGate(GateFields, frozen=True, kw_only=True, tag="gitlab-status-check"):
    """An external status check: a merge request waits until its newest commit is approved."""

    projects: list[int]
    """The ids of the projects that may ask."""
    token_file: Path
    """A token with the scope `api` of an account with the role Developer."""
    api: str = "https://gitlab.com/api/v4"
    """The address of GitLab's API. Answers go nowhere else."""
    mapping: Mapping = Mapping(
        resource="merge/{/body/project/path_with_namespace}/{/body/object_attributes/iid}",
        operation="merge",
        justification="{/body/object_attributes/title}",
        payload={
            "project": "{/body/object_attributes/target_project_id}",
            "merge_request": "{/body/object_attributes/iid}",
            "source_branch": "{/body/object_attributes/source_branch}",
            "target_branch": "{/body/object_attributes/target_branch}",
            "sha": "{/body/object_attributes/last_commit/id}",
        },
    )


class TerraformGate(GateFields, frozen=True, kw_only=True, tag="terraform-run-task"):
    """A run task: a run of HCP Terraform or Terraform Enterprise waits until it is approved."""

    host: str = "app.terraform.io"
    """The host of the API. Callbacks go nowhere else."""
    workspaces: list[str]
    """The ids of the workspaces that may ask."""
    mapping: Mapping = Mapping(
        resource="terraform-run/{/body/workspace_id}",
        operation="apply",
        justification="{/body/run_message}",
        payload={
            "workspace": "{/body/workspace_id}",
            "stage": "{/body/stage}",
            "configuration": "{/body/configuration_version_id?}",
            "commit": "{/body/vcs_commit_url?}",
        },
        when={"/body/stage": ["pre_plan", "post_plan", "pre_apply", "post_apply"]},
    )
    running_every_s: float = 240.0
    """How often it reports `running`. Terraform gives up after 10 minutes without a report."""
    give_up_s: float = 3_300.0
    """After so long it answers `failed`, with a link. Terraform gives up after 60 minutes."""


class FolderSource(SourceFields, frozen=True, kw_only=True, tag="folder"):
    """A watched folder: each file that is moved into it is a submission."""

    folder: Path
    """Files in it are read once; then they are in `done` or `refused` in it, the reason beside them."""
    mapping: Mapping
    every_s: float = 1.0
    """How often it is looked at."""


class KafkaSource(SourceFields, frozen=True, kw_only=True, tag="kafka"):
    """A topic: each record is a submission."""

    topic: str
    """Its name."""
    group: str
    """The consumer group in which offsets are committed."""
    format: Literal["json", "cloudevents", "debezium"]
    """`json`: any JSON. `cloudevents`: binary or structured. `debezium`: envelopes of changes to rows."""
    mapping: Mapping
    bootstrap: str | None = None
    """The cluster. By default the one of Assent."""
    snapshots: bool = False
    """Debezium: whether rows of a snapshot (`r`) are submissions too."""


class GitSource(SourceFields, frozen=True, kw_only=True, tag="git"):
    """A branch of a repository: each file that a push or merge adds, edits or deletes is a submission."""

    repository: str
    """Its address: https, ssh or a path."""
    branch: str
    folder: Path
    """Where the copy of the repository is kept. It can be deleted while the service is stopped."""
    mapping: Mapping
    path: str = ""
    """Only files below this folder of the repository."""
    start: Literal["now", "all"] = "now"
    """At the first start: `now` submits what changes from then on, `all` every file that is there."""
    every_s: float = 60.0
    """How often it is fetched. A webhook to `poke_path` fetches at once."""
    poke_path: str | None = None
    """A path of the service's HTTP port. A POST there, whoever sends it, only makes it look earlier."""
    header_file: Path | None = None
    """A file with a header for https, such as `Authorization: Basic ...`."""
    ssh_key_file: Path | None = None
    """The private key for ssh. The host's key must be known."""
    forced_push: Literal["stop", "follow"] = "stop"
    """What to do when the branch no longer contains the commit that was seen last. `stop`: nothing, until
    `assent upstream reset` names the commit to continue from. `follow`: submit the difference of both."""


def scheme_of(source: HttpFields) -> Scheme:
    """How requests to this source are signed."""
    match source:
        case HttpSource():
            return source.signature
        case GithubDeploymentGate():
            return "github"
        case GitlabStatusGate():
            return "gitlab-status-check"
        case _:
            return "terraform"


Gate = GithubDeploymentGate | GitlabStatusGate | TerraformGate
Source = HttpSource | Gate | FolderSource | KafkaSource | GitSource
