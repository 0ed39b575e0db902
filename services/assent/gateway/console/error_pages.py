"""Errors as pages: what happened, and what to do. Programs get RFC 9457 problems."""

from collections.abc import Callable
from typing import Any
from urllib.parse import quote

from litestar import MediaType, Request, Response
from litestar.exceptions import HTTPException

from assent.gateway.application.visibility import may_see
from assent.gateway.caller import Caller
from assent.gateway.console.page_frame import account_name
from assent.gateway.console.pages import plain_page
from assent.gateway.console.text import texts
from assent.gateway.gateway_components import Gateway
from assent.gateway.problems import Problem
from assent.store.queries import show_request

OnError = Callable[[Request[Any, Any, Any], Any], Response[Any]]


def wants_page(request: Request[Any, Any, Any]) -> bool:
    """Whether a person's browser sent the request, by its address and Accept header."""
    return not request.url.path.startswith("/api/") and "text/html" in request.headers.get("accept", "")


def or_page(as_document: OnError) -> OnError:
    """An error handler that answers people with a page, and programs with `as_document`."""

    def answer(request: Request[Any, Any, Any], error: Any) -> Response[Any]:
        document = as_document(request, error)
        return _page_of(request, error) if wants_page(request) else document

    return answer


def _page_of(request: Request[Any, Any, Any], error: Any) -> Response[Any]:
    if isinstance(error, Problem):
        problem = error
    else:
        status = error.status_code if isinstance(error, HTTPException) else 500
        problem = Problem(status, _code(status), "", todo="")
    if problem.code == "not-signed-in":
        if "hx-request" in request.headers:
            # A part of a page that reloads itself. The page itself knows the address to return to.
            return Response("", status_code=401, media_type=MediaType.TEXT)
        if request.method in ("GET", "HEAD"):
            return Response(None, status_code=303, headers={"Location": sign_in_at(request)})
    return plain_page("problem.html", status=problem.status, headers=_kept(problem), **problem_words(problem))


def problem_words(problem: Problem) -> dict[str, Any]:
    """The texts about a problem for templates: a title, what happened, what to do, the open request."""
    key = f"problem.{problem.code}"
    known = texts()
    return {
        "title": known.get(f"{key}.title") or known["problem.other.title"],
        "detail": known.get(f"{key}.detail") or problem.detail,
        "todo": known.get(f"{key}.todo") or problem.todo or known["problem.other.todo"],
        "code": problem.code,
        "open_request": problem.more.get("open_request"),
        "held_by": None,
        "held_since": None,
    }


async def problem_shown(gateway: Gateway, caller: Caller, problem: Problem) -> dict[str, Any]:
    """R10: the texts, with the open request's requester and time. A link only if the caller may follow it."""
    words = problem_words(problem)
    if words["open_request"] is None:
        return words
    row = await show_request(gateway.db, words["open_request"])
    governance = gateway.log.governance
    if row is None or not may_see(governance, caller.principal, row):
        words["open_request"] = None
    if row is not None:
        words |= {"held_by": account_name(governance, row.requester), "held_since": row.submitted_at}
    return words


def sign_in_at(request: Request[Any, Any, Any]) -> str:
    """The address to sign in at and then return to this page."""
    target = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    return "/sign-in" if target == "/" else f"/sign-in?return_to={quote(target)}"


def _kept(problem: Problem) -> dict[str, str]:
    return {name: value for name, value in problem.headers.items() if name == "Retry-After"}


def _code(status: int) -> str:
    return {404: "not-found", 405: "not-found", 413: "too-large", 500: "failed"}.get(status, "malformed")
