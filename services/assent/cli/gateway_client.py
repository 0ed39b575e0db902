"""One question to a gateway over HTTP and its answer; what goes wrong ends the command in plain words."""

import asyncio
import ssl
from collections.abc import Collection, Mapping
from typing import Final, NoReturn

import httpx
import msgspec

from assent.cli import output
from assent.cli.log_access import Server
from assent.cli.lost_rows import tell_lost
from assent.cli.signing import sign_request
from assent.reading.lost import LOST_HEADER, places_in
from assent_contracts.refusals import Refusal, RefusalCode

_ANSWER_MAX_BYTES: Final = 256 * 1024 * 1024
"""More than all of governance can be; a server that sends more is none of ours."""
_CONNECT_S: Final = 10.0
_AROUND_S: Final = 15.0
"""Beyond the decision's own time: connecting, and the way there and back."""
_LATE, _FAILED_FROM = 202, 500


class ProblemAnswer(msgspec.Struct, kw_only=True):
    """RFC 9457, as the gateway says it."""

    code: str
    detail: str = ""
    todo: str = ""
    position: str | None = None
    at: int | None = None
    open_request: str | None = None
    partition: int | None = None
    decided: int | None = None
    events: msgspec.Raw | None = None
    """Of a completion that opened the request again: what happened, in full."""

    def refusal(self) -> Refusal | None:
        """The ledger's refusal that it is; None for what is the gateway's own."""
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


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What a gateway has answered: a document, or a problem."""

    status: int
    body: bytes
    problem: ProblemAnswer | None = None


async def get(
    server: Server,
    path: str,
    asked: Mapping[str, str] | None = None,
    *,
    after: str | None = None,
    allowed: Collection[str] = (),
) -> Answer:
    """Read, signed with the user's key. `allowed`: the codes of problems that do not end the command.

    `after`: a ledger position that the answer must know.
    """
    headers = {} if after is None else {"assent-after": after}
    request = httpx.Request("GET", server.url + path, params=asked, headers=headers)
    sign_request(request, server.key)
    answer = await _ask(server, request, command=None)
    if answer.problem is not None and answer.problem.code not in allowed:
        fail_problem(server, answer.status, answer.problem)
    return answer


async def post(
    server: Server, path: str, value: bytes, headers: Mapping[str, str], *, command: str
) -> Answer:
    """Send bytes that carry their own proof. `command`: its id, for what is said when no answer comes."""
    headers = {"content-type": "application/json", **headers}
    request = httpx.Request("POST", server.url + path, content=value, headers=headers)
    return await _ask(server, request, command=command)


async def _ask(server: Server, request: httpx.Request, *, command: str | None) -> Answer:
    timeout = httpx.Timeout(server.timeout_s, connect=min(_CONNECT_S, server.timeout_s))
    try:
        # Proxies of the environment are for other hosts. Certificates are always verified.
        async with (
            asyncio.timeout(server.timeout_s + _AROUND_S),
            httpx.AsyncClient(timeout=timeout, trust_env=not server.is_loopback, verify=True) as client,
        ):
            response = await client.send(request, stream=True)
            tell_lost(places_in(response.headers.get(LOST_HEADER, "")))
            try:
                return _answer(server, response, await _body(server, response))
            finally:
                await response.aclose()
    except (httpx.ConnectError, httpx.ConnectTimeout) as error:
        _fail_unreachable(server, _reason(error), command, sent=False)
    except (httpx.TransportError, TimeoutError) as error:
        _fail_unreachable(server, _reason(error), command, sent=command is not None)


async def _body(server: Server, response: httpx.Response) -> bytes:
    body = bytearray()
    async for part in response.aiter_bytes():
        body += part
        if len(body) > _ANSWER_MAX_BYTES:
            output.fail(f"{server.url} answers with more than {_ANSWER_MAX_BYTES:,} bytes.")
    return bytes(body)


def _answer(server: Server, response: httpx.Response, body: bytes) -> Answer:
    content_type = response.headers.get("content-type", "").partition(";")[0]
    # What is only late is told in the members of a problem, but is none.
    if content_type == "application/problem+json" or response.status_code == _LATE:
        try:
            problem = msgspec.json.decode(body, type=ProblemAnswer)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            bad_answer(server, Answer(status=response.status_code, body=body))
        return Answer(status=response.status_code, body=body, problem=problem)
    answer = Answer(status=response.status_code, body=body)
    if content_type != "application/json" or not response.is_success:
        bad_answer(server, answer)
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


def _fail_unreachable(server: Server, why: str, command: str | None, *, sent: bool) -> NoReturn:
    what = f"{server.url} cannot be reached: {why}."
    if sent:
        fail_undecided(f"{what} The command may have arrived.", command, as_json=server.as_json)
    if server.as_json and command is not None:
        output.print_json({"decided": False, "command": command, "what": what})
    output.fail(f"{what} Nothing was sent. Is --server right, and the gateway up?", output.NOT_DECIDED)


def fail_undecided(what: str, command: str | None, *, as_json: bool) -> NoReturn:
    """Say that no decision came in time, and exit. `command`: its id, where that is known."""
    if as_json:
        output.print_json({"decided": False, "command": command, "what": what})
    output.fail(
        f"{what} It may still be decided: `assent requests --mine` and `assent show` tell.",
        output.NOT_DECIDED,
    )


def fail_problem(
    server: Server, status: int, problem: ProblemAnswer, *, command: str | None = None
) -> NoReturn:
    """Print a problem as refusals are printed, and exit: 2, or 3 for what may be otherwise later."""
    if status == _LATE:
        fail_undecided(problem.detail, command, as_json=server.as_json)
    if server.as_json:
        refusal = {"code": problem.code, "detail": problem.detail}
        place = {"partition": None, "seq": None, "at": None, "events": []}
        output.print_json({**place, "refusal": refusal, "what_to_do": problem.todo})
    else:
        output.complain(f"Refused: {problem.code}", style="bold red")
        output.complain(problem.detail, style="default")
        output.complain(problem.todo, style="default")
    raise SystemExit(output.NOT_DECIDED if status >= _FAILED_FROM else output.REFUSED)


def bad_answer(server: Server, answer: Answer) -> NoReturn:
    """Say that this is no gateway of Assent's, or one of another version."""
    output.fail(
        f"{server.url} does not answer as Assent does (status {answer.status}, {len(answer.body):,} bytes)."
        " Is --server the address of a gateway, and this assent of its version?",
        output.NOT_DECIDED,
    )
