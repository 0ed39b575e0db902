"""Callers at gates that behave like GitHub, GitLab and Terraform: what they ask, and how they hear."""

import hashlib
import hmac
import json
import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import msgspec
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from joserfc import jwt
from joserfc.jwk import RSAKey

SECRET = "gate secret"

Answer = tuple[int, Any]
Handle = Callable[[str, str, dict[str, str], Any], Answer]
"""(method, path, headers in lower case, JSON) to (status, JSON)."""


@contextmanager
def answering(handle: Handle) -> Iterator[str]:
    """An HTTP server on loopback; gives its address."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            pass

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            headers = {name.lower(): value for name, value in self.headers.items()}
            status, document = handle(self.command, self.path, headers, json.loads(body))
            answer = json.dumps(document).encode() if document is not None else b""
            self.send_response(status)
            self.send_header("content-length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        do_PATCH = do_POST  # noqa: N815  the library's name

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


class Github:
    """GitHub's API, as far as deployment protection rules need it, and the webhooks of its jobs."""

    def __init__(self) -> None:
        self.url = ""
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self.app_key = key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.TraditionalOpenSSL,
            serialization.NoEncryption(),
        ).decode()
        self._public = RSAKey.import_key(
            key.public_key().public_bytes(
                serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
            )
        )
        self.not_yet = 0
        """So many decisions come before there is anything to approve."""
        self.reports: list[str] = []
        self.decisions: list[tuple[str, str, str]] = []
        """(path, state, comment)."""
        self.tokens: list[str] = []

    def handle(self, method: str, path: str, headers: dict[str, str], body: Any) -> Answer:
        if re.fullmatch(r"/app/installations/77/access_tokens", path):
            return self._token(headers, body)
        if not re.fullmatch(r"/repos/octo/shop/actions/runs/[0-9]+/deployment_protection_rule", path):
            return 404, {"message": "Not Found"}
        if headers.get("authorization") not in [f"Bearer {each}" for each in self.tokens]:
            return 401, {"message": "Bad credentials"}
        if len(body["comment"]) > 1_024 or "environment_name" not in body:
            return 422, {"message": "Invalid request"}
        if "state" not in body:
            if len(self.reports) >= 10:
                return 422, {"message": "Too many status reports"}
            self.reports.append(body["comment"])
            return 204, None
        if self.not_yet > 0:
            self.not_yet -= 1
            return 422, {"message": "There are no deployments to approve"}
        self.decisions.append((path, body["state"], body["comment"]))
        return 204, None

    def _token(self, headers: dict[str, str], body: Any) -> Answer:
        claims = jwt.decode(headers["authorization"].removeprefix("Bearer "), self._public, ["RS256"]).claims
        now = time.time()
        if claims["iss"] != "Iv1.app" or not claims["iat"] <= now < claims["exp"] <= claims["iat"] + 600:
            return 401, {"message": "'Expiration time' claim ('exp') is too far in the future"}
        if body != {"repository_ids": [4711], "permissions": {"deployments": "write"}}:
            return 422, {"message": "unexpected"}
        self.tokens.append(f"ghs_{len(self.tokens)}")
        return 201, {"token": self.tokens[-1], "expires_at": "2026-01-01T00:00:00Z"}

    def asks(self, run: int, *, sha: str = "a" * 40, environment: str = "production", **more: Any) -> bytes:
        """The body of the webhook of a job that waits."""
        return json.dumps(
            {
                "action": "requested",
                "environment": environment,
                "event": "push",
                "ref": "refs/heads/main",
                "sha": sha,
                "deployment_callback_url": (
                    f"{self.url}/repos/octo/shop/actions/runs/{run}/deployment_protection_rule"
                ),
                "deployment": {"id": run, "created_at": "2026-11-29T00:00:00Z"},
                "pull_requests": [],
                "repository": {"id": 4711, "full_name": "octo/shop"},
                "installation": {"id": 77},
                "sender": {"login": "octocat"},
                **more,
            }
        ).encode()


def github_headers(body: bytes) -> dict[str, str]:
    """The headers of GitHub's webhook."""
    signature = hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
    return {
        "x-hub-signature-256": f"sha256={signature}",
        "x-github-delivery": hashlib.sha256(body).hexdigest()[:36],
        "x-github-event": "deployment_protection_rule",
    }


class Gitlab:
    """GitLab's API, as far as external status checks need it."""

    def __init__(self) -> None:
        self.head = "b" * 40
        self.statuses: list[str] = []
        self.refused = 0

    def handle(self, method: str, path: str, headers: dict[str, str], body: Any) -> Answer:
        if headers.get("private-token") != "glpat-1":
            return 401, {"message": "401 Unauthorized"}
        if path != "/api/v4/projects/42/merge_requests/7/status_check_responses":
            return 404, {"message": "404 Not found"}
        if body["sha"] != self.head:
            self.refused += 1
            return 409, {"message": "sha does not match HEAD"}
        assert body["external_status_check_id"] == 5
        assert body["status"] in ("pending", "passed", "failed")
        self.statuses.append(body["status"])
        return 201, {"id": len(self.statuses)}

    def asks(self, sha: str, *, note: str = "") -> bytes:
        """The body of the webhook of a merge request: at every push, edit and comment."""
        return json.dumps(
            {
                "object_kind": "merge_request",
                "project": {"id": 42, "path_with_namespace": "shop/web"},
                "object_attributes": {
                    "iid": 7,
                    "title": "New prices",
                    "description": note,
                    "target_project_id": 42,
                    "source_branch": "prices",
                    "target_branch": "main",
                    "last_commit": {"id": sha},
                },
                "external_approval_rule": {"id": 5, "name": "Assent", "external_url": "https://x.example"},
            }
        ).encode()


def gitlab_headers(body: bytes) -> dict[str, str]:
    """The headers of GitLab's status check."""
    return {"x-gitlab-signature": hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()}


class Terraform:
    """HCP Terraform, as far as run tasks need it."""

    def __init__(self) -> None:
        self.url = ""
        self.results: dict[str, list[tuple[str, str, str | None]]] = {}
        """By task: (status, message, url)."""
        self.plans: dict[str, Any] = {}

    @property
    def host(self) -> str:
        return self.url.removeprefix("http://")

    def handle(self, method: str, path: str, headers: dict[str, str], body: Any) -> Answer:
        task = path.removeprefix("/api/v2/task-results/").removesuffix("/callback")
        if method != "PATCH" or headers.get("authorization") != f"Bearer token-of-{task}":
            return 401, {"errors": [{"status": "401"}]}
        data = msgspec.convert(body, dict[str, Any])["data"]
        if headers.get("content-type") != "application/vnd.api+json" or data["type"] != "task-results":
            return 422, {"errors": [{"status": "422"}]}
        made = data["attributes"]
        if self.results.get(task, [("running", "", None)])[-1][0] != "running":
            return 422, {"errors": [{"status": "422"}]}
        self.results.setdefault(task, []).append((made["status"], made["message"], made.get("url")))
        return 200, {"data": {"id": task}}

    def asks(self, task: str, *, stage: str = "pre_apply", commit: str = "c1", **more: Any) -> bytes:
        """The body of a run's request."""
        return json.dumps(
            {
                "payload_version": 1,
                "stage": stage,
                "access_token": f"token-of-{task}",
                "run_id": f"run-{task}",
                "run_message": f"Run {task}",
                "run_created_by": "erin",
                "workspace_id": "ws-1",
                "configuration_version_id": "cv-1",
                "vcs_commit_url": f"https://git.example.com/{commit}",
                "task_result_id": task,
                "task_result_callback_url": f"{self.url}/api/v2/task-results/{task}/callback",
                "task_result_enforcement_level": "mandatory",
                "is_speculative": False,
                **more,
            }
        ).encode()


def terraform_headers(body: bytes) -> dict[str, str]:
    """The headers of a run task's request."""
    return {"x-tfc-task-signature": hmac.new(SECRET.encode(), body, hashlib.sha512).hexdigest()}
