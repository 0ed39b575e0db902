"""One request to a gateway over HTTP, and its answer."""

import asyncio
import re
import ssl
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final, NoReturn

import httpx
import msgspec

from assent.cli.connection.log_client import (
    GatewayAnswerError,
    GatewayRefusalError,
    GatewayUnreachableError,
    UndecidedError,
)
from assent.cli.connection.lost_rows import warn_of_loss
from assent.cli.connection.request_signing import sign_request
from assent.reading.lost_parts import LOST_HEADER, places_in
from assent_contracts.client.keys import SecretKey
from assent_contracts.refusals import Refusal, RefusalCode

_ANSWER_MAX_BYTES: Final = 256 * 1024 * 1024
"""More than all of governance can have; a server that sends more is not a gateway of Assent."""
_CONNECT_S: Final = 10.0
_AROUND_S: Final = 15.0
"""Added to the time for the decision: for connecting, and for transport."""
_RETRY_AFTER_MAX_S: Final = 60
_LATE, _FAILED_FROM = 202, 500


@dataclass(frozen=True)
class GatewayAccess:
    """The address of a gateway, and the caller's key."""

    url: str
    """Scheme and host."""
    is_loopback: bool
    key: SecretKey
    timeout_s: float


class ProblemAnswer(msgspec.Struct, kw_only=True):
    """A problem by RFC 9457, as the gateway sends it."""

    code: str
    detail: str = ""
    todo: str = ""
    position: str | None = None
    at: int | None = None
    open_request: str | None = None
    partition: int | None = None
    decided: int | None = None
    events: msgspec.Raw | None = None
    """Of a completion that opened the request again: its events, in full."""

    def refusal(self) -> Refusal | None:
        """The ledger's refusal in it; None for a problem of the gateway's own."""
        try:
            code = RefusalCode(self.code)
        except ValueError:
            return None
        return Refusal(
            code=code,
            detail=self.detail,
            open_request=self.open_request,
            partition=self.partition,
            decided=self.decided,
        )


class GatewayAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """The answer of a gateway: a document, or a problem."""

    status: int
    body: bytes
    problem: ProblemAnswer | None = None
    retry_after_s: int | None = None
    """What a server that is busy asks for."""


async def get(
    access: GatewayAccess,
    path: str,
    asked: Mapping[str, str] | None = None,
    *,
    after: str | None = None,
    allowed: Collection[str] = (),
) -> GatewayAnswer:
    """Read, signed with the user's key. `allowed`: the codes of problems that are returned, not raised.

    `after`: a ledger position that the answer must include. Raises GatewayUnreachableError,
    GatewayRefusalError, UndecidedError, GatewayAnswerError.
    """
    headers = {} if after is None else {"assent-after": after}
    request = httpx.Request("GET", access.url + path, params=asked, headers=headers)
    sign_request(request, access.key)
    answer = await _ask(access, request, command=None)
    if answer.problem is not None and answer.problem.code not in allowed:
        raise problem_error(answer, answer.problem)
    return answer


async def post(
    access: GatewayAccess, path: str, value: bytes, headers: Mapping[str, str], *, command: str
) -> GatewayAnswer:
    """Send a signed command. `command`: its id.

    Raises GatewayUnreachableError, UndecidedError where they may have arrived, GatewayAnswerError.
    """
    headers = {"content-type": "application/json", **headers}
    request = httpx.Request("POST", access.url + path, content=value, headers=headers)
    return await _ask(access, request, command=command)


async def _ask(access: GatewayAccess, request: httpx.Request, *, command: str | None) -> GatewayAnswer:
    timeout = httpx.Timeout(access.timeout_s, connect=min(_CONNECT_S, access.timeout_s))
    try:
        # Proxies from the environment are not used on loopback. Certificates are always verified.
        async with (
            asyncio.timeout(access.timeout_s + _AROUND_S),
            httpx.AsyncClient(timeout=timeout, trust_env=not access.is_loopback, verify=True) as client,
        ):
            response = await client.send(request, stream=True)
            warn_of_loss(places_in(response.headers.get(LOST_HEADER, "")))
            try:
                return _answer(access, response, await _body(access, response))
            finally:
                await response.aclose()
    except (httpx.ConnectError, httpx.ConnectTimeout) as error:
        raise GatewayUnreachableError(_unreachable(access, error), command) from error
    except (httpx.TransportError, TimeoutError) as error:
        what = _unreachable(access, error)
        if command is None:
            raise GatewayUnreachableError(what, None) from error
        raise undecided_error(f"{what} The command may have arrived.", command) from error


async def _body(access: GatewayAccess, response: httpx.Response) -> bytes:
    body = bytearray()
    async for part in response.aiter_bytes():
        body += part
        if len(body) > _ANSWER_MAX_BYTES:
            message = f"{access.url} answers with more than {_ANSWER_MAX_BYTES:,} bytes."
            raise GatewayAnswerError(message, is_of_assent=True)
    return bytes(body)


def _answer(access: GatewayAccess, response: httpx.Response, body: bytes) -> GatewayAnswer:
    content_type = response.headers.get("content-type", "").partition(";")[0]
    # A late decision has the members of a problem, but is not one.
    if content_type == "application/problem+json" or response.status_code == _LATE:
        try:
            problem = msgspec.json.decode(body, type=ProblemAnswer)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            bad_answer(access, GatewayAnswer(status=response.status_code, body=body))
        wait = response.headers.get("retry-after", "")
        return GatewayAnswer(
            status=response.status_code,
            body=body,
            problem=problem,
            retry_after_s=min(int(wait), _RETRY_AFTER_MAX_S) if re.fullmatch(r"[0-9]{1,6}", wait) else None,
        )
    answer = GatewayAnswer(status=response.status_code, body=body)
    if content_type != "application/json" or not response.is_success:
        bad_answer(access, answer)
    return answer


def _reason(error: Exception) -> str:
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return f"its certificate does not hold: {cause.verify_message}"
        cause = cause.__cause__ or cause.__context__
    if isinstance(error, httpx.TimeoutException | TimeoutError):
        return "it took too long"
    return str(error) or type(error).__name__


def _unreachable(access: GatewayAccess, error: Exception) -> str:
    return f"{access.url} cannot be reached: {_reason(error)}."


def undecided_error(what: str, command: str | None) -> UndecidedError:
    """The error for a decision that did not come in time. `command`: its id, where that is known."""
    return UndecidedError(
        what, "It may still be decided: look at `assent requests --mine` and `assent show`.", command
    )


def problem_error(
    answer: GatewayAnswer, problem: ProblemAnswer, *, command: str | None = None
) -> GatewayRefusalError | UndecidedError:
    """The error for the problem in an answer. With status 202 the decision on `command` is only late."""
    if answer.status == _LATE:
        return undecided_error(problem.detail, command)
    return GatewayRefusalError(
        problem.code,
        problem.detail,
        problem.todo,
        is_permanent=answer.status < _FAILED_FROM,
        retry_after_s=answer.retry_after_s,
    )


def bad_answer(access: GatewayAccess, answer: GatewayAnswer) -> NoReturn:
    """Raise GatewayAnswerError: this is not a gateway of Assent, or one of another version."""
    raise GatewayAnswerError(
        f"{access.url} does not answer as Assent does (status {answer.status}, {len(answer.body):,} bytes)."
        " Is --server the address of a gateway, and this assent of its version?",
        is_of_assent=False,
    )
