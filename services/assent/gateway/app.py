"""The web application: its routes, the headers of every answer, and its error handlers."""

from typing import Any

from litestar import Litestar, Request, Response, Router
from litestar.di import Provide
from litestar.exceptions import HTTPException
from litestar.types import Message, Scope

from assent.gateway.api.description import PREFIX, openapi_of
from assent.gateway.api.routes import API, HEALTH
from assent.gateway.caller import find_caller
from assent.gateway.console.error_pages import or_page
from assent.gateway.console.routes import console_router
from assent.gateway.gateway_components import Gateway
from assent.gateway.identity.local_sign_in import LOCAL
from assent.gateway.identity.sign_in import SIGNING_IN
from assent.gateway.middleware import security_headers
from assent.gateway.postgres_unavailable import on_tables
from assent.gateway.problems import Problem, malformed_problem, on_http_error, on_problem
from assent.gateway.request_bodies import BODY_MAX_BYTES
from assent.reading.lost_parts import LOST_HEADER, lost_header, lost_parts

_NO_STORE = (b"cache-control", b"no-store")


def make_app(gateway: Gateway) -> Litestar:
    """The application of one gateway."""
    api = Router(PREFIX, route_handlers=list(API))
    return Litestar(
        [
            api,
            openapi_of(API, cookie=gateway.sessions.cookie),
            *HEALTH,
            *SIGNING_IN,
            *LOCAL,
            console_router(),
        ],
        dependencies={
            "gateway": Provide(lambda: gateway, sync_to_thread=False),
            "caller": Provide(find_caller),
        },
        exception_handlers={
            Problem: or_page(on_problem),
            HTTPException: or_page(on_http_error),
            **on_tables(or_page(_on_failure)),
            Exception: or_page(_on_failure),
        },
        before_request=_refuse_nul,
        request_max_body_size=BODY_MAX_BYTES,
        openapi_config=None,
        before_send=[_protect(gateway)],
        logging_config=None,
    )


async def _refuse_nul(request: Request[Any, Any, Any]) -> None:
    # No name contains it, and Postgres cannot compare with it.
    if b"%00" in request.scope["query_string"]:
        raise malformed_problem("A parameter contains a NUL character.")


def _protect(gateway: Gateway) -> Any:
    encoded = security_headers(gateway.settings)

    async def protect(message: Message, scope: Scope) -> None:
        # On every answer, including errors.
        if message["type"] == "http.response.start":
            there = {name.lower() for name, _ in message["headers"]}
            # An answer of the API is for the caller alone, unless a handler sets another header.
            always = [*encoded, _NO_STORE, *_lost(gateway)] if scope["path"].startswith(PREFIX) else encoded
            message["headers"] = [*message["headers"], *(each for each in always if each[0] not in there)]

    return protect


def _lost(gateway: Gateway) -> list[tuple[bytes, bytes]]:
    """Records that the tables may contain but the ledger no longer has, as this gateway last saw it."""
    value = lost_header(lost_parts(gateway.log.publisher.findings))
    return [(LOST_HEADER.encode(), value.encode())] if value else []


def _on_failure(_request: Request[Any, Any, Any], error: Exception) -> Response[Any]:
    import structlog

    structlog.get_logger().error("request failed", exc_info=error)
    problem = Problem(
        500, "failed", "Something went wrong here.", todo="Try again. If it persists, tell the operator."
    )
    return on_problem(_request, problem)
