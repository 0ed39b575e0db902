"""Errors as RFC 9457 problems: application/problem+json with the refusal's code."""

import math
from typing import Any, Final

import msgspec
from litestar import MediaType, Request, Response
from litestar.exceptions import HTTPException
from msgspec import UNSET, UnsetType

from assent_contracts.client.publisher import now_ms
from assent_contracts.refusals import WHAT_TO_DO, Refusal, RefusalCode

MEDIA_TYPE: Final = "application/problem+json"
_SCHEME_SHOWN_CHARS: Final = 32

STATUS: Final[dict[RefusalCode, int]] = {
    RefusalCode.MALFORMED: 400,
    RefusalCode.UNKNOWN_VERSION: 400,
    RefusalCode.TOO_LARGE: 413,
    RefusalCode.BAD_SIGNATURE: 401,
    RefusalCode.UNKNOWN_KEY: 401,
    RefusalCode.NOT_PERMITTED: 403,
    RefusalCode.STALE: 409,
    RefusalCode.ID_REUSED: 409,
    RefusalCode.RESOURCE_LOCKED: 409,
    RefusalCode.NO_POLICY: 422,
    RefusalCode.POLICY_UNSATISFIABLE: 422,
    RefusalCode.POLICY_INVALID: 422,
    RefusalCode.JUSTIFICATION_REQUIRED: 422,
    RefusalCode.UNKNOWN_REQUEST: 404,
    RefusalCode.UNKNOWN_FINDING: 404,
    RefusalCode.OWN_REQUEST: 403,
    RefusalCode.NOT_AN_APPROVER: 403,
    RefusalCode.NOT_REQUESTER: 403,
    RefusalCode.NOT_AN_APPLIER: 403,
    RefusalCode.DIGEST_MISMATCH: 412,
    RefusalCode.OUTDATED: 412,
    RefusalCode.UNKNOWN_OBJECT: 404,
    RefusalCode.TOO_FEW_ADMINISTRATORS: 422,
    RefusalCode.TOO_MUCH_VANISHES: 422,
    RefusalCode.QUOTA_EXCEEDED: 429,
    RefusalCode.TOO_MANY_COMMANDS: 429,
    RefusalCode.OWN_SIGNATURE_REQUIRED: 403,
    RefusalCode.ON_BEHALF_OF_REQUIRED: 422,
    RefusalCode.ON_BEHALF_OF_INVALID: 422,
    RefusalCode.REQUESTER_NOT_PERMITTED: 403,
    RefusalCode.BEING_APPLIED: 409,
    RefusalCode.SETTLEMENT_REQUIRED: 403,
    RefusalCode.FIELD_REQUIRED: 422,
    RefusalCode.OPERATOR_UNKNOWN: 403,
    RefusalCode.OPERATOR_INVOLVED: 403,
}
"""By refusal. All others are 409: they conflict with the current state."""


class ProblemDocument(msgspec.Struct, kw_only=True):
    """RFC 9457: what went wrong, and what the sender can do."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    """A refusal's code, or one of the gateway's own."""
    todo: str
    position: str | UnsetType = UNSET
    """The position of the ledger record with the refusal."""
    open_request: str | UnsetType = UNSET
    """R10: the open request about the object."""
    partition: int | UnsetType = UNSET
    decided: int | UnsetType = UNSET
    """The seq of the decision that used the command's id."""
    again_at: int | UnsetType = UNSET
    """Log time (ms) from which the command can be sent again."""
    field: str | UnsetType = UNSET
    """R24: the field that a policy demands of a submission."""
    current: str | UnsetType = UNSET
    """R26: the newest known version of the object."""
    status_now: str | UnsetType = UNSET
    """The status of a request that has changed since it was seen."""
    last_seq: int | UnsetType = UNSET
    request: str | UnsetType = UNSET
    """The request that was reopened instead of being released."""
    at: int | UnsetType = UNSET
    """Log time of the reopening, ms."""
    events: Any = UNSET
    """The events of the reopening, in full."""
    errors: Any = UNSET
    """The invalid parameters."""


class Late(msgspec.Struct, kw_only=True):
    """There is no decision yet. The command was sent and will be decided."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    todo: str
    command: str | UnsetType = UNSET
    """The command's id."""


class Problem(Exception):  # noqa: N818  the RFC's word
    """An answer that is a problem. `code` is a refusal's, or the gateway's own."""

    def __init__(
        self,
        status: int,
        code: str,
        detail: str,
        *,
        todo: str,
        headers: dict[str, str] | None = None,
        **more: Any,
    ) -> None:
        """`todo`: what the sender can do about it; `more`: further members, such as `open_request`."""
        super().__init__(detail)
        self.status = status
        self.code = code
        self.detail = detail
        self.todo = todo
        self.headers = headers or {}
        self.more = more

    def document(self) -> dict[str, Any]:
        """The JSON object."""
        return {
            "type": f"urn:assent:problem:{self.code}",
            "title": self.code.replace("-", " ").capitalize(),
            "status": self.status,
            "detail": self.detail,
            "code": self.code,
            "todo": self.todo,
            **self.more,
        }


def of_refusal(refusal: Refusal, **more: Any) -> Problem:
    """The problem for a refusal by the ledger; `more`: further members, such as its position."""
    said = msgspec.to_builtins(refusal)
    rest = {name: value for name, value in said.items() if name not in ("code", "detail")}
    return Problem(
        STATUS.get(refusal.code, 409),
        refusal.code,
        refusal.detail,
        todo=WHAT_TO_DO[refusal.code],
        headers=_when_again(refusal),
        **rest,
        **more,
    )


def _when_again(refusal: Refusal) -> dict[str, str]:
    if refusal.again_at is None:
        return {}
    return {"Retry-After": str(max(1, math.ceil((refusal.again_at - now_ms()) / 1_000)))}


def malformed_problem(detail: str) -> Problem:
    """The input is not valid for the API."""
    return of_refusal(Refusal(code=RefusalCode.MALFORMED, detail=detail))


def not_signed_in() -> Problem:
    """The sender is not authenticated."""
    return Problem(
        401,
        "not-signed-in",
        "This needs a signed-in user.",
        todo="Sign in at /sign-in, or send an access token: Authorization: Bearer.",
        headers={"WWW-Authenticate": "Bearer"},
    )


def no_access_tokens() -> Problem:
    """An access token was sent to a gateway that has no provider to check it with."""
    return Problem(
        401,
        "not-signed-in",
        "The access token does not count: this gateway accepts none, because it has no OpenID provider.",
        todo="Sign the request with a registered key, or set ASSENT_OIDC_ISSUER at the gateway.",
        headers={"WWW-Authenticate": 'Bearer error="invalid_token"'},
    )


def unknown_scheme(scheme: str) -> Problem:
    """The Authorization header is not an access token."""
    return Problem(
        401,
        "not-signed-in",
        f"The Authorization header has the scheme {scheme[:_SCHEME_SHOWN_CHARS]!r}, which is not supported.",
        todo="Send an access token, Authorization: Bearer, or sign the request with a registered key.",
        headers={"WWW-Authenticate": "Bearer"},
    )


def not_found(what: str) -> Problem:
    """It does not exist, or the caller may not see it."""
    return Problem(404, "not-found", f"There is no {what} that you may see.", todo="Check the address.")


def answer(problem: Problem) -> Response[dict[str, Any]]:
    """The problem as a response."""
    # A late decision is not a problem. It has the same members, but as plain JSON.
    media_type = MEDIA_TYPE if problem.status >= 400 else MediaType.JSON
    return Response(
        problem.document(), status_code=problem.status, media_type=media_type, headers=problem.headers
    )


def on_problem(_request: Request[Any, Any, Any], problem: Problem) -> Response[Any]:
    """Litestar's hook for our own problems."""
    return answer(problem)


def on_http_error(_request: Request[Any, Any, Any], error: HTTPException) -> Response[Any]:
    """Litestar's hook for its own errors: unknown paths, wrong methods, invalid parameters."""
    detail = error.detail or MediaType.TEXT
    more = {"errors": error.extra} if error.extra and error.status_code < 500 else {}
    code = {404: "not-found", 405: "method-not-allowed", 413: "too-large"}.get(error.status_code, "malformed")
    todo = "Check the address, the method and the parameters against /api/v1/openapi.json."
    return answer(
        Problem(error.status_code, code, detail, todo=todo, headers=dict(error.headers or {}), **more)
    )
