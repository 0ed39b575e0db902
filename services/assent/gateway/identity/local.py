"""Sign-in by a click, for the demo people on one's own machine: anybody can be anybody here.

`settings` switches it on only on loopback and never beside a provider; the page says what it is.
"""

from typing import Annotated, Any

import msgspec
from litestar import Request, Response, post
from litestar.enums import RequestEncodingType
from litestar.params import Body

from assent.gateway.caller import enabled, refuse_cross_site
from assent.gateway.door import Door
from assent.gateway.identity.returning import safe_return
from assent.gateway.problems import not_found


class LocalSignIn(msgspec.Struct, frozen=True):
    """Who to be, and where to go on."""

    principal: str
    return_to: str = "/"


@post("/sign-in/local", status_code=303, include_in_schema=False)
async def sign_in_locally(
    request: Request[Any, Any, Any],
    door: Door,
    data: Annotated[LocalSignIn, Body(media_type=RequestEncodingType.URL_ENCODED)],
) -> Response[None]:
    """Be one of the people that governance knows. Raises Problem: not-found where it is not switched on."""
    if not door.settings.local_sign_in:
        raise not_found("local sign-in")
    refuse_cross_site(request, door)
    principal = enabled(door, data.principal)
    if principal.person is None:
        raise not_found("person of this name")
    await door.sessions.close(request.cookies.get(door.sessions.cookie))
    token = await door.sessions.open(principal.id)
    response: Response[None] = Response(
        None, status_code=303, headers={"Location": safe_return(data.return_to)}
    )
    response.set_cookie(door.sessions.cookie, token, **door.sessions.cookie_settings())
    return response
