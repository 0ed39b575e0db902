"""Pages as responses, with the frame for signed-in users and without it for others."""

from collections.abc import Mapping
from typing import Any, Final

from litestar import MediaType, Request, Response

from assent.gateway.caller import Caller
from assent.gateway.console.page_frame import account_name, frame_of
from assent.gateway.console.rendering import render
from assent.gateway.gateway_components import Gateway
from assent.gateway.public_address import safe_return
from assent_contracts.core.governance.roles import holds_role
from assent_contracts.governance_objects import Role

_PRIVATE: Final = {"Cache-Control": "private, no-store", "Vary": "Cookie"}
_TOLD_ROLES: Final[tuple[Role, ...]] = ("administrator", "requester", "approver", "auditor")


async def page(
    request: Request[Any, Any, Any],
    gateway: Gateway,
    caller: Caller,
    template: str,
    /,
    *,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
    **context: Any,
) -> Response[str]:
    """A page with its frame. `context`: what its template needs besides `frame` and `who`."""
    governance = gateway.log.governance
    path = request.url.path
    content = render(
        template,
        frame=await frame_of(gateway, caller, path),
        who=lambda principal: account_name(governance, principal),
        **context,
    )
    return _html(content, status, headers)


def plain_page(
    template: str, /, *, status: int = 200, headers: Mapping[str, str] | None = None, **context: Any
) -> Response[str]:
    """A page for a user who is not signed in."""
    return _html(render(template, frame=None, **context), status, headers)


def render_sign_in(gateway: Gateway, return_to: str = "/", *, problem: str | None = None) -> Response[str]:
    """The sign-in page: at the provider, or by a click for this machine's demo.

    `return_to`: the path to continue to; `problem`: why the last attempt failed.
    """
    return plain_page(
        "sign_in.html",
        status=200 if problem is None else 401,
        local=gateway.local is not None,
        people=_people(gateway) if gateway.local is not None else [],
        has_provider=gateway.settings.oidc is not None,
        return_to=safe_return(return_to),
        problem=problem,
    )


def _people(gateway: Gateway) -> list[dict[str, Any]]:
    governance = gateway.log.governance
    return [
        {
            "id": each.id,
            "name": each.account.name or each.id,
            "roles": [role for role in _TOLD_ROLES if holds_role(governance, each.id, role)],
            "same_as": [
                other.account.name or other.id
                for other in governance.principals.values()
                if other.person == each.person and other.id != each.id
            ],
        }
        for each in governance.principals.values()
        if each.person is not None and each.enabled
    ]


def _html(content: str, status: int, headers: Mapping[str, str] | None) -> Response[str]:
    return Response(
        content, status_code=status, media_type=MediaType.HTML, headers={**_PRIVATE, **(headers or {})}
    )
