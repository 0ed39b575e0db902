"""Sign-in by a click, for the demo on one's own machine: anyone with the link can be any of its people.

`settings` allows it only on loopback, never together with a provider or a proxy. It requires the token that
this machine's terminal shows and a peer on this machine, because a Host header proves nothing.
"""

from typing import Annotated, Any

import msgspec
import structlog
from litestar import Request, Response, get, post
from litestar.enums import RequestEncodingType
from litestar.params import Body

from assent.gateway.anonymous_limits import proving
from assent.gateway.caller import enabled_principal, refuse_cross_site
from assent.gateway.gateway_components import Gateway
from assent.gateway.identity.local_token import COOKIE, PATH, LocalToken
from assent.gateway.problems import Problem, not_found
from assent.gateway.public_address import safe_return
from assent.gateway.same_machine import is_local

_TOKEN_MAX_CHARS = 128


class LocalSignIn(msgspec.Struct, frozen=True):
    """The person to sign in as, and the path to continue to."""

    principal: str
    return_to: str = "/"


@get(PATH, include_in_schema=False)
async def open_local(request: Request[Any, Any, Any], gateway: Gateway) -> Response[None]:
    """The link that the terminal shows. Sets a cookie that proves the token, and shows the list of people.

    Raises Problem: not-found if it is not enabled, not-on-this-machine, local-token, too-many-requests.
    """
    token = _nearby(request, gateway)
    with proving(request, gateway):
        sent = request.query_params.getall("token", [])
        if len(sent) != 1 or len(sent[0]) > _TOKEN_MAX_CHARS or not token.is_token(sent[0]):
            raise _without_token("This link is from an earlier start.")
    response: Response[None] = Response(
        None, status_code=303, headers={"Cache-Control": "no-store", "Location": "/sign-in"}
    )
    response.set_cookie(
        COOKIE, token.kept, path="/sign-in", httponly=True, secure=gateway.settings.is_secure, samesite="lax"
    )
    return response


@post(PATH, status_code=303, include_in_schema=False)
async def sign_in_locally(
    request: Request[Any, Any, Any],
    gateway: Gateway,
    data: Annotated[LocalSignIn, Body(media_type=RequestEncodingType.URL_ENCODED)],
) -> Response[None]:
    """Sign in as one of the people in governance.

    Raises Problem: not-found if it is not enabled, not-on-this-machine, local-token, cross-site,
    too-many-requests.
    """
    refuse_unless_let_in(request, gateway)
    refuse_cross_site(request, gateway)
    principal = enabled_principal(gateway, data.principal)
    if principal.person is None:
        raise not_found("person of this name")
    await gateway.sessions.close(request.cookies.get(gateway.sessions.cookie))
    token = await gateway.sessions.open(principal.id)
    structlog.get_logger().info("signed in by a click", principal=principal.id)
    response: Response[None] = Response(
        None, status_code=303, headers={"Location": safe_return(data.return_to)}
    )
    response.set_cookie(gateway.sessions.cookie, token, **gateway.sessions.cookie_settings())
    return response


LOCAL = (open_local, sign_in_locally)


def refuse_unless_let_in(request: Request[Any, Any, Any], gateway: Gateway) -> None:
    """Refuse a caller that is not on this machine or has not opened the link. Raises Problem."""
    token = _nearby(request, gateway)
    with proving(request, gateway):
        if not token.is_kept(request.cookies.get(COOKIE)):
            raise _without_token("Local sign-in works only in the browser that opened the link.")


def _nearby(request: Request[Any, Any, Any], gateway: Gateway) -> LocalToken:
    if gateway.local is None:
        raise not_found("local sign-in")
    if not is_local(request, gateway):
        raise Problem(
            403,
            "not-on-this-machine",
            "Local sign-in works on this machine only. This request came from elsewhere, or through a proxy.",
            todo="Open the link on the machine itself. For others, configure a provider: ASSENT_OIDC_ISSUER.",
        )
    return gateway.local


def _without_token(detail: str) -> Problem:
    return Problem(
        403,
        "local-token",
        detail,
        todo="Open the link that `make run` or `assent up` printed at its last start.",
    )
