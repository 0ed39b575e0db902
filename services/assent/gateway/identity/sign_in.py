"""The routes for signing in and out: to the provider, back from it, and sign-out."""

import html
import re
from typing import Any, Final

import structlog
from litestar import MediaType, Request, Response, get, post

from assent.gateway.anonymous_limits import stranger
from assent.gateway.caller import check_csrf, enabled_principal, refuse_cross_site
from assent.gateway.console.pages import render_sign_in
from assent.gateway.gateway_components import Gateway
from assent.gateway.identity.local_sign_in import refuse_unless_let_in
from assent.gateway.identity.oidc import CALLBACK, NotSignedInError, Oidc, SignedIn
from assent.gateway.identity.pending_sign_ins import SIGN_IN_S
from assent.gateway.identity.provider import ProviderError, provider_unreachable
from assent.gateway.problems import Problem, malformed_problem, not_found
from assent.gateway.public_address import HOME, safe_return
from assent_contracts.core.governance.principals_and_keys import Principal

_NO_STORE: Final = {"Cache-Control": "no-store"}
_PARAMETER_MAX_CHARS: Final = 4_096
_ERROR: Final = re.compile(r"[a-z_]{1,64}")


@get("/sign-in", include_in_schema=False)
async def sign_in(request: Request[Any, Any, Any], gateway: Gateway) -> Response[Any]:
    """Redirect to the provider, or show the page of the demo's people if there is none.

    `return_to`: the path to continue to. `prompt=login`: the provider must ask the user to sign in even if it
    has a session for them. Without it, a user whose account is not in governance could never sign in with
    another one.

    Raises Problem: provider-unreachable, too-many-requests, malformed, not-found if nobody can sign in; for
    the demo's people not-on-this-machine and local-token.
    """
    sent = _sent(request)
    wanted = safe_return(sent.get("return_to", HOME))
    if gateway.oidc is None:
        if gateway.local is None:
            raise not_found("sign-in")
        refuse_unless_let_in(request, gateway)
        return render_sign_in(gateway, wanted)
    # The sender is not known yet, and each sign-in adds a row to the database.
    gateway.rates.spend(stranger(request))
    sign_ins, anew = gateway.oidc.sign_ins, sent.get("prompt") == "login"
    try:
        url, leaving = await gateway.oidc.leave(wanted, request.cookies.get(sign_ins.cookie), anew=anew)
    except ProviderError as error:
        raise provider_unreachable() from error
    response = _redirect(url)
    response.set_cookie(sign_ins.cookie, leaving.browser, **sign_ins.cookie_settings())
    return response


@get(CALLBACK, include_in_schema=False)
async def come_back(request: Request[Any, Any, Any], gateway: Gateway) -> Response[Any]:
    """Handle the return from the provider, with or without a code. Raises Problem.

    The codes: sign-in-failed, not-permitted, malformed, provider-unreachable, too-many-requests.
    """
    if gateway.oidc is None:
        raise not_found("sign-in")
    gateway.rates.spend(stranger(request))
    sent = _sent(request)
    left = await gateway.oidc.sign_ins.come_back(
        sent.get("state", ""), request.cookies.get(gateway.oidc.sign_ins.cookie)
    )
    if left is None:
        raise _failed(
            "This sign-in was not started in this browser, or was started more than"
            f" {SIGN_IN_S // 60} minutes ago, or has already been used."
        )
    if "code" not in sent:
        raise _failed(f"The provider did not sign you in: {_named(sent.get('error'))}.")
    signed_in = await _finished(gateway.oidc.finish(left, sent["code"], sent.get("iss")))
    principal = _person(gateway, signed_in.principal)
    # Any session that the browser already has ends, and a new one begins (session fixation).
    await gateway.sessions.close(request.cookies.get(gateway.sessions.cookie))
    token = await gateway.sessions.open(principal.id, id_token=signed_in.id_token)
    structlog.get_logger().info("signed in", principal=principal.id)
    response = _redirect(safe_return(left.return_to))
    response.set_cookie(gateway.sessions.cookie, token, **gateway.sessions.cookie_settings())
    return response


@post("/sign-out", status_code=303, include_in_schema=False)
async def sign_out(request: Request[Any, Any, Any], gateway: Gateway) -> Response[Any]:
    """End the session here, then at the provider. Raises Problem: cross-site.

    This also works for an account that has been disabled since, because it is not looked up here.
    """
    token = request.cookies.get(gateway.sessions.cookie)
    session = await gateway.sessions.find(token)
    refuse_cross_site(request, gateway)
    if session is not None:
        await check_csrf(request, session)
        await gateway.sessions.close(token)
        structlog.get_logger().info("signed out", principal=session.principal)
    there = await _at_provider(gateway.oidc, session.id_token if session else None)
    response = _redirect(HOME) if there is None else _going_on(there)
    settings = gateway.sessions.cookie_settings()
    response.set_cookie(gateway.sessions.cookie, "", max_age=0, **settings)
    return response


SIGNING_IN: Final = (sign_in, come_back, sign_out)


def _person(gateway: Gateway, principal: str) -> Principal:
    other = "or sign in with another account at /sign-in?prompt=login."
    try:
        found = enabled_principal(gateway, principal)
    except Problem as problem:
        problem.todo = f"{problem.todo.rstrip('.')}, {other}"
        raise
    if found.person is None:
        raise Problem(
            403,
            "not-permitted",
            f"{principal!r} is a service. Only people can sign in here.",
            todo=f"Send an access token as the service, {other}",
        )
    return found


def _sent(request: Request[Any, Any, Any]) -> dict[str, str]:
    """The parameters in the address. RFC 6749, 3.1: none can occur twice. Raises Problem."""
    pairs = list(request.query_params.multi_items())
    sent = dict(pairs)
    if len(sent) < len(pairs) or any(len(value) > _PARAMETER_MAX_CHARS for value in sent.values()):
        raise malformed_problem(
            f"A parameter occurs twice, or has more than {_PARAMETER_MAX_CHARS:,} characters."
        )
    return sent


async def _finished(finishing: Any) -> SignedIn:
    try:
        return await finishing
    except ProviderError as error:
        raise provider_unreachable() from error
    except NotSignedInError as error:
        structlog.get_logger().warning("sign-in refused", reason=str(error))
        raise _failed(f"The sign-in was refused: {error}.") from error


async def _at_provider(oidc: Oidc | None, id_token: str | None) -> str | None:
    if oidc is None or id_token is None:
        return None
    try:
        return await oidc.sign_out_url(id_token)
    except ProviderError:
        return None  # the session here has ended all the same


def _redirect(url: str) -> Response[Any]:
    return Response(None, status_code=303, headers={**_NO_STORE, "Location": url})


def _going_on(url: str) -> Response[Any]:
    # Not a redirect: the answer to a form must not lead to another site (form-action in our policy).
    address = html.escape(url, quote=True)
    page = (
        '<!doctype html><html lang="en"><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<meta http-equiv="refresh" content="0; url={address}"><title>Signed out - Assent</title>'
        "<main><h1>Signed out</h1><p>You are signed out of Assent."
        f' <a href="{address}">Sign out of the sign-in provider as well.</a></p></main></html>'
    )
    return Response(page, status_code=200, media_type=MediaType.HTML, headers=_NO_STORE)


def _failed(detail: str) -> Problem:
    return Problem(400, "sign-in-failed", detail, todo="Start again at /sign-in.")


def _named(error: str | None) -> str:
    # Anybody can craft this address, so only a possible code of RFC 6749, 4.1.2.1 is repeated.
    return error if error is not None and _ERROR.fullmatch(error) else "it sent no code"
