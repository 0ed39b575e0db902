"""GET /api/v1/openapi.json: the API in OpenAPI 3.1, for client generators.

Paths and parameters come from Litestar. The schemas of bodies come from msgspec, because that is what decodes
them, and Litestar cannot describe types such as msgspec.Raw. Litestar's part is made from a separate
application that serves nothing, so that no pages are added beside the document.
"""

import re
from collections.abc import Sequence
from http import HTTPStatus
from types import NoneType, UnionType
from typing import Any, Final, Union, get_args, get_origin

import msgspec
from litestar import Litestar, Response, Router, get
from litestar.di import Provide
from litestar.handlers import HTTPRouteHandler
from litestar.openapi import OpenAPIConfig
from litestar.openapi.spec import Schema
from litestar.plugins import OpenAPISchemaPlugin
from litestar.typing import FieldDefinition

from assent.gateway.api.generator_forms import for_generators
from assent.gateway.api.governance_pages import GOVERNANCE_HEADER
from assent.gateway.caller import CSRF_HEADER
from assent.gateway.problems import MEDIA_TYPE, Late, ProblemDocument
from assent.gateway.request_bodies import TAKES
from assent.gateway.table_lag import LAG_HEADER
from assent.reading.lost_parts import LOST_HEADER

PREFIX: Final = "/api/v1"
_REF: Final = "#/components/schemas/{name}"
_READING: Final = (400, 401, 403, 404, 429, 503)
_WRITING: Final = (400, 401, 403, 404, 408, 409, 412, 413, 415, 422, 429, 503)
_ALSO_FAILS: Final = {"showSubmission": (409,)}
_DECIDES_LATE: Final = frozenset({"showCommand"})
_ALSO: Final = {"submitChange": 200, "changeGovernance": 200, "relayCommand": 201}
"""A second status with the same body: for a repeated command, or for one that was decided at once."""
_HEADERS: Final = {
    "ETag": "The version of what is shown, for If-None-Match, and for If-Match of an action.",
    "Location": "Where to find what was created, or a decision that is late.",
    "Retry-After": "Seconds to wait.",
    LAG_HEADER: "How many ledger records the tables do not contain yet.",
    LOST_HEADER: "Present while part of the log is lost: the partitions (a list, RFC 8941), with `kind` and"
    " the offsets up to which each was `known` and is `found`. The answer may show records of them that the"
    " log no longer has, and nothing is decided there.",
    GOVERNANCE_HEADER: "The seq of the governance state that the answer is based on.",
}
_SENDS: Final = {
    "submitChange": ("Location",),
    "changeGovernance": ("Location",),
    "showRequest": ("ETag", LAG_HEADER),
    "listRequests": (LAG_HEADER,),
    "searchAudit": (LAG_HEADER,),
}
_GOVERNANCE: Final = tuple(
    f"{verb}{what}"
    for one, many in (
        ("Policy", "Policies"),
        ("Group", "Groups"),
        ("Role", "Roles"),
        ("Principal", "Principals"),
        ("Settings", "Settings"),
    )
    for verb, what in (("show", one), ("list", many))
)
_CAPITAL: Final = re.compile("[A-Z]")
_BYTES: Final = {"schema": {"type": "string", "format": "binary"}}
Refs = dict[Any, dict[str, Any]]
"""References to the schemas, by type."""


class _StructsLater(OpenAPISchemaPlugin):
    """Leaves the schema of every struct empty: msgspec fills it in later."""

    @staticmethod
    def is_plugin_supported_type(value: Any) -> bool:
        """Whether it is a struct."""
        return isinstance(value, type) and issubclass(value, msgspec.Struct)

    def to_openapi_schema(self, field_definition: FieldDefinition, schema_creator: Any) -> Schema:
        """An empty schema."""
        return Schema()


def describe(handlers: Sequence[HTTPRouteHandler], *, cookie: str) -> dict[str, Any]:
    """The OpenAPI document of these handlers; `cookie` is the name of the session's cookie."""
    app = _app_of(handlers)
    document = app.openapi_schema.to_schema()
    by_operation = {each.operation_id: each for each in _handlers_of(app) if each.resolve_include_in_schema()}
    kinds = [ProblemDocument, Late]
    for handler in by_operation.values():
        kinds += [*_gives(handler), *_takes(handler)]
    kinds = list(dict.fromkeys(kinds))
    made, schemas = msgspec.json.schema_components(kinds, ref_template=_REF)
    refs = dict(zip(kinds, made, strict=True))
    for path in document["paths"].values():
        for method, operation in path.items():
            _complete(method, operation, by_operation[operation["operationId"]], refs)
    document["components"] = {"schemas": schemas, "securitySchemes": _security(cookie)}
    document["servers"] = [{"url": "/"}]
    return for_generators(document)


def _app_of(handlers: Sequence[HTTPRouteHandler]) -> Litestar:
    return Litestar(
        [Router(PREFIX, route_handlers=list(handlers))],
        dependencies={name: Provide(lambda: None, sync_to_thread=False) for name in ("gateway", "caller")},
        plugins=[_StructsLater()],
        openapi_config=OpenAPIConfig(
            title="Assent",
            version="1",
            description="Multi-admin approval: nothing changes until a second person approves.",
            path="/nowhere",
            use_handler_docstrings=True,
        ),
        logging_config=None,
    )


def _handlers_of(app: Litestar) -> list[HTTPRouteHandler]:
    return [
        handler
        for route in app.routes
        for handler in getattr(route, "route_handlers", ())
        if isinstance(handler, HTTPRouteHandler)
    ]


def _complete(method: str, operation: dict[str, Any], handler: HTTPRouteHandler, refs: Refs) -> None:
    name = operation["operationId"]
    operation["summary"] = (
        handler.summary or _CAPITAL.sub(lambda found: f" {found[0].lower()}", name).capitalize()
    )
    for parameter in operation.get("parameters", ()):
        _never_null(parameter["schema"])
    for kind in _takes(handler):
        operation["requestBody"] = {"required": True, "content": {"application/json": {"schema": refs[kind]}}}
    if handler.opt.get(TAKES) is bytes:
        operation["requestBody"] = {"required": True, "content": {"application/octet-stream": _BYTES}}
    good = {"description": "Done.", "content": _content(handler, refs), "headers": _headers(name)}
    responses: dict[str, Any] = {str(handler.status_code): good}
    if name in _ALSO:
        responses[str(_ALSO[name])] = good
    if name == "showRequest":
        responses["304"] = {
            "description": "It has not changed since the version in If-None-Match.",
            "headers": _headers(name),
        }
    if method == "post" or name in _DECIDES_LATE:
        responses["202"] = _late(refs)
    usual = _WRITING if TAKES in handler.opt or method == "post" else _READING
    for status in (*usual, *_ALSO_FAILS.get(name, ())):
        responses[str(status)] = _problem(status, refs)
    operation["responses"] = dict(sorted(responses.items()))
    operation["security"] = _needs(method) if _asks_who(handler) else []


def _asks_who(handler: HTTPRouteHandler) -> bool:
    """Whether the handler depends on a caller, directly or not."""
    asked = set(handler.parsed_fn_signature.parameters)
    for name, provider in handler.resolve_dependencies().items():
        if name in asked:
            asked |= set(provider.parsed_fn_signature.parameters)
    return "caller" in asked


def _never_null(schema: dict[str, Any]) -> None:
    """Remove null from the schema of an optional parameter: if it is sent, it has a value."""
    if isinstance(schema.get("type"), list):
        schema["type"] = next(each for each in schema["type"] if each != "null")
        schema["enum"] = [each for each in schema["enum"] if each is not None]
    kinds = [each for each in schema.pop("oneOf", ()) if each != {"type": "null"}]
    if len(kinds) == 1:
        schema |= {**kinds[0], **schema}
    elif kinds:
        schema["oneOf"] = kinds


def _takes(handler: HTTPRouteHandler) -> list[Any]:
    """The type of the body, if the handler reads one that is not bytes."""
    kind = handler.opt.get(TAKES, bytes)
    return [] if kind is bytes else [kind]


def _gives(handler: HTTPRouteHandler) -> list[Any]:
    """The structs that an answer can be."""
    returns = handler.parsed_fn_signature.return_type
    inner = (
        returns.inner_types[0].annotation
        if returns.is_subclass_of(Response) and returns.inner_types
        else None
    )
    found = returns.annotation if inner is None else inner
    members = get_args(found) if get_origin(found) in (Union, UnionType) else (found,)
    return [each for each in members if isinstance(each, type) and issubclass(each, msgspec.Struct)]


def _content(handler: HTTPRouteHandler, refs: Refs) -> dict[str, Any]:
    if handler.parsed_fn_signature.return_type.annotation in (None, NoneType):
        return {}
    gives = _gives(handler)
    if not gives:
        media_type = str(handler.media_type or "text/event-stream")
        return {media_type: {"schema": {"type": "string"}}}
    schema = refs[gives[0]] if len(gives) == 1 else {"anyOf": [refs[each] for each in gives]}
    return {"application/json": {"schema": schema}}


def _headers(operation: str) -> dict[str, Any]:
    names = list(_SENDS.get(operation, ()))
    if operation in _GOVERNANCE:
        names.append(GOVERNANCE_HEADER)
    return {name: _header(name) for name in (*names, LOST_HEADER)}


def _header(name: str) -> dict[str, Any]:
    return {"description": _HEADERS[name], "schema": {"type": "string"}}


def _late(refs: Refs) -> dict[str, Any]:
    return {
        "description": "The decision is late: ask at the address in Location.",
        "content": {"application/json": {"schema": refs[Late]}},
        "headers": {"Location": _header("Location"), "Retry-After": _header("Retry-After")},
    }


def _problem(status: int, refs: Refs) -> dict[str, Any]:
    said: dict[str, Any] = {
        "description": HTTPStatus(status).phrase,
        "content": {MEDIA_TYPE: {"schema": refs[ProblemDocument]}},
    }
    if status in (429, 503):
        said["headers"] = {"Retry-After": _header("Retry-After")}
    return said


def _needs(method: str) -> list[dict[str, list[str]]]:
    session: dict[str, list[str]] = {"session": []}
    if method != "get":
        session["csrf"] = []
    return [{"token": []}, session]


def _security(cookie: str) -> dict[str, Any]:
    return {
        "token": {
            "type": "http",
            "scheme": "bearer",
            "description": "An access token from the provider, for machines.",
        },
        "session": {
            "type": "apiKey",
            "in": "cookie",
            "name": cookie,
            "description": "The session of a sign-in.",
        },
        "csrf": {
            "type": "apiKey",
            "in": "header",
            "name": CSRF_HEADER,
            "description": "`csrf` of GET /api/v1/me, required for changes in a session.",
        },
    }


def openapi_of(handlers: Sequence[HTTPRouteHandler], *, cookie: str) -> HTTPRouteHandler:
    """The handler for the document, which is made at the first request for it."""
    made: list[bytes] = []

    @get(f"{PREFIX}/openapi.json", include_in_schema=False, media_type="application/json", name="openapi")
    async def openapi() -> Response[bytes]:
        if not made:
            made.append(msgspec.json.encode(describe(handlers, cookie=cookie)))
        return Response(made[0], headers={"Cache-Control": "no-cache"})

    return openapi
