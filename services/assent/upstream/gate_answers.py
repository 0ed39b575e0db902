"""How each kind of gate answers its callers."""

import time
from collections.abc import Callable
from typing import Final

import httpx
import msgspec
from joserfc import jwt
from joserfc.jwk import RSAKey

from assent.process_settings import SettingsError, read_secret_file
from assent.upstream.answer_loop import NotTakenError, Send
from assent.upstream.gate_callers import GithubCallback, GitlabCallback, TerraformCallback
from assent.upstream.gate_rows import DueAnswer
from assent.upstream.source_settings import Gate, GithubDeploymentGate, GitlabStatusGate, TerraformGate

_JWT_BACK_S: Final = 60
_JWT_AHEAD_S: Final = 540
"""GitHub takes at most ten minutes, and its clock may be behind."""
_BODY_MAX_BYTES: Final = 64 * 1024
_AGENT: Final = "assent-upstream"

Unseal = Callable[[bytes], str]
"""A sender's token, from its sealed form."""


class _Token(msgspec.Struct):
    token: str


def send_of(gate: Gate, unseal: Unseal) -> Send:
    """How this gate answers."""
    match gate:
        case GithubDeploymentGate():
            return _github(gate)
        case GitlabStatusGate():
            return _gitlab(gate)
        case TerraformGate():
            return _terraform(unseal)


def _github(gate: GithubDeploymentGate) -> Send:
    key = RSAKey.import_key(read_secret_file(gate.app_key_file, "app_key_file"))
    api = gate.api.rstrip("/")
    headers = {"accept": "application/vnd.github+json", "x-github-api-version": "2022-11-28"}

    async def send(client: httpx.AsyncClient, answer: DueAnswer) -> None:
        to = msgspec.json.decode(answer.callback, type=GithubCallback)
        now_s = int(time.time())
        claims = {"iat": now_s - _JWT_BACK_S, "exp": now_s + _JWT_AHEAD_S, "iss": gate.app_id}
        app = jwt.encode({"alg": "RS256"}, claims, key)
        asked = {"repository_ids": [to.repository], "permissions": {"deployments": "write"}}
        body = await _call(
            client,
            "POST",
            f"{api}/app/installations/{to.installation}/access_tokens",
            asked,
            {**headers, "authorization": f"Bearer {app}"},
            failed="GitHub gave no token",
        )
        token = msgspec.json.decode(body, type=_Token).token
        document: dict[str, str] = {"environment_name": to.environment, "comment": answer.message}
        if answer.state != "running":
            # Without a state it is a report, of which GitHub takes ten.
            document["state"] = "approved" if answer.state == "passed" else "rejected"
        await _call(
            client,
            "POST",
            to.url,
            document,
            {**headers, "authorization": f"Bearer {token}"},
            failed="GitHub did not take the decision",
        )

    return send


def _gitlab(gate: GitlabStatusGate) -> Send:
    api = gate.api.rstrip("/")

    async def send(client: httpx.AsyncClient, answer: DueAnswer) -> None:
        to = msgspec.json.decode(answer.callback, type=GitlabCallback)
        document = {
            "sha": to.sha,
            "external_status_check_id": to.check,
            "status": "pending" if answer.state == "running" else answer.state,
        }
        await _call(
            client,
            "POST",
            f"{api}/projects/{to.project}/merge_requests/{to.iid}/status_check_responses",
            document,
            {"private-token": _token(gate)},
            failed="GitLab did not take the status",
            # Another commit is the newest one now, and another check is asked about that.
            final=frozenset({409}),
        )

    return send


def _token(gate: GitlabStatusGate) -> str:
    try:
        return read_secret_file(gate.token_file, "token_file")
    except SettingsError as error:
        # It is read at each use, and may be missing for a moment while it is replaced.
        raise NotTakenError(str(error)) from error


def _terraform(unseal: Unseal) -> Send:
    async def send(client: httpx.AsyncClient, answer: DueAnswer) -> None:
        if answer.secret is None:
            raise NotTakenError("The run's token is not kept any more.", final=True)
        to = msgspec.json.decode(answer.callback, type=TerraformCallback)
        attributes = {"status": answer.state, "message": answer.message}
        link = next(
            (word for word in answer.message.split() if word.startswith(("https://", "http://"))), None
        )
        if link is not None:
            attributes["url"] = link
        await _call(
            client,
            "PATCH",
            to.url,
            {"data": {"type": "task-results", "attributes": attributes}},
            {
                "authorization": f"Bearer {unseal(answer.secret)}",
                "content-type": "application/vnd.api+json",
            },
            failed="Terraform did not take the result",
            # The run has ended, and its token with it.
            final=frozenset({401, 404, 422}),
        )

    return send


async def _call(
    client: httpx.AsyncClient,
    method: str,
    url: str,
    document: object,
    headers: dict[str, str],
    *,
    failed: str,
    final: frozenset[int] = frozenset(),
) -> bytes:
    """Send JSON; returns the body of a success, of which no more than a limit is read.

    Raises NotTakenError without the body of the answer, which may repeat a token, and httpx.HTTPError.
    """
    content = msgspec.json.encode(document)
    headers = {"content-type": "application/json", "user-agent": _AGENT, **headers}
    async with client.stream(method, url, content=content, headers=headers) as response:
        if not response.is_success:
            code = response.status_code
            raise NotTakenError(f"{failed}: status {code}.", final=code in final)
        body = bytearray()
        async for part in response.aiter_bytes():
            body += part
            if len(body) > _BODY_MAX_BYTES:
                raise NotTakenError(f"{failed}: its answer is too large.")
        return bytes(body)
