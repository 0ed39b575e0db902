"""The authentication of HTTP requests, in one place for the API and the console."""

import hmac
from typing import Any, Final, Literal

import msgspec
from litestar import Request

from assent.gateway import problems
from assent.gateway.anonymous_limits import proving
from assent.gateway.gateway_components import Gateway
from assent.gateway.identity.sessions import SignInSession
from assent.gateway.middleware import PRINCIPAL
from assent.gateway.public_address import origins_of
from assent_contracts.core.governance.principals_and_keys import Principal
from assent_contracts.core.governance.state import EVERY_TYPE

CSRF_HEADER: Final = "x-csrf-token"
CSRF_FIELD: Final = "csrf"
_SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})
How = Literal["session", "token", "signature"]


class Caller(msgspec.Struct, frozen=True, kw_only=True):
    """A verified, enabled principal, and how it was authenticated."""

    principal: Principal
    how: How
    session: SignInSession | None = None
    ends_at: int | None = None
    """When its token expires, ms since 1970; None without a token."""

    @property
    def id(self) -> str:
        """The principal's id."""
        return self.principal.id


async def find_caller(request: Request[Any, Any, Any], gateway: Gateway) -> Caller:
    """The caller. Raises Problem: not-signed-in, not-permitted, cross-site, too-many-requests.

    The strongest credentials in the request count. If they are wrong, the request is refused: there is no
    fallback.
    """
    caller = await _identified(request, gateway)
    request.state[PRINCIPAL] = caller.id
    gateway.rates.spend(caller.id)
    return caller


async def _identified(request: Request[Any, Any, Any], gateway: Gateway) -> Caller:
    if "signature-input" in request.headers:
        if gateway.signatures is None:
            raise problems.not_signed_in()
        with proving(request, gateway):
            principal = await gateway.signatures.verify(request)
        return Caller(principal=enabled_principal(gateway, principal), how="signature")
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme:
        _refuse_two_proofs(request, gateway)
        if scheme.lower() != "bearer":
            raise problems.unknown_scheme(scheme)
        if gateway.tokens is None:
            raise problems.no_access_tokens()
        with proving(request, gateway):
            bearer = await gateway.tokens.bearer_of(token)
        return Caller(
            principal=enabled_principal(gateway, bearer.principal), how="token", ends_at=bearer.ends_at
        )
    session = await gateway.sessions.find(request.cookies.get(gateway.sessions.cookie))
    if session is None:
        raise problems.not_signed_in()
    if request.method not in _SAFE:
        refuse_cross_site(request, gateway)
        await check_csrf(request, session)
    return Caller(principal=enabled_principal(gateway, session.principal), how="session", session=session)


def enabled_principal(gateway: Gateway, principal: str) -> Principal:
    """The principal in the current governance. Raises Problem if it is unknown or disabled."""
    found = gateway.log.governance.principals.get(principal)
    if found is None or not found.enabled:
        what = "is disabled" if found else "is not registered"
        raise problems.Problem(
            403,
            "not-permitted",
            f"You are signed in as {principal!r}, which {what} here.",
            todo="Ask an administrator to register or enable the principal.",
        )
    return found


def _refuse_two_proofs(request: Request[Any, Any, Any], gateway: Gateway) -> None:
    # A browser adds its cookie by itself. With both, it is unclear who acts and which checks apply.
    if gateway.sessions.cookie in request.cookies:
        raise problems.Problem(
            400,
            "two-proofs",
            "The request contains an access token and a session's cookie.",
            todo="Send only one of them: programs the token, browsers the cookie.",
        )


def refuse_cross_site(request: Request[Any, Any, Any], gateway: Gateway) -> None:
    """Refuse a request that another site made the browser send. Raises Problem."""
    origin, site = request.headers.get("origin"), request.headers.get("sec-fetch-site")
    foreign = origin is not None and origin not in origins_of(gateway.settings.public_url)
    if foreign or site in ("cross-site", "same-site"):
        raise problems.Problem(
            403,
            "cross-site",
            "Another site has made your browser send this.",
            todo=f"Open {gateway.settings.public_url} and do it there.",
        )


async def check_csrf(request: Request[Any, Any, Any], session: SignInSession) -> None:
    """Refuse a form or call without its session's token. Raises Problem."""
    sent = request.headers.get(CSRF_HEADER)
    if sent is None and request.content_type[0] == "application/x-www-form-urlencoded":
        sent = (await request.form()).get(CSRF_FIELD)
    if not isinstance(sent, str) or not hmac.compare_digest(sent.encode(), session.csrf.encode()):
        raise problems.Problem(
            403,
            "cross-site",
            "The form does not contain this session's token.",
            todo="Load the page again and send the form from there.",
        )


def is_auditor(caller: Caller, gateway: Gateway) -> bool:
    """Whether the caller may see everything: an auditor or administrator of every type."""
    governance = gateway.log.governance
    return any(governance.has_role(caller.id, role, EVERY_TYPE) for role in ("auditor", "administrator"))
