"""The HTTP API, from the gateway's OpenAPI document."""

from collections.abc import Iterator
from typing import Any

from assent.gateway.api.description import describe
from assent.gateway.api.routes import API
from infra.docs.markdown import code, one_line, table

Document = dict[str, Any]


def page() -> str:
    """The reference page."""
    document = describe(API, cookie="assent-session")
    parts = [
        "# HTTP API",
        (
            "A gateway serves this API below `/api/v1`. Its OpenAPI 3.1 document is at"
            " `/api/v1/openapi.json`. Programs authenticate with an access token of your OpenID provider or"
            " with a signature of their own key (RFC 9421), browsers with the session of the console. A"
            " refusal is an `application/problem+json` with one of the [refusal codes](refusals.md). 202"
            " means that no decision came in time: `Location` is where to look."
        ),
        table(("operation", "what it does"), _overview(document)),
    ]
    for path, method, operation in _operations(document):
        parts += _section(document, path, method, operation)
    return "\n\n".join(parts) + "\n"


def _operations(document: Document) -> Iterator[tuple[str, str, Document]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield path, method.upper(), operation


def _overview(document: Document) -> Iterator[tuple[str, str]]:
    for path, method, operation in _operations(document):
        yield f"[`{method} {path}`](#{operation['operationId'].lower()})", _first_sentence(operation)


def _first_sentence(operation: Document) -> str:
    return one_line((operation.get("description") or operation["summary"]).split("\n\n", maxsplit=1)[0])


def _section(document: Document, path: str, method: str, operation: Document) -> list[str]:
    parts = [
        f"## {operation['summary']} {{ #{operation['operationId'].lower()} }}",
        f"`{method} {path}`",
        operation.get("description") or "",
    ]
    parameters = [
        (
            code(each["name"]),
            each["in"],
            "yes" if each.get("required") else "",
            each.get("description") or each.get("schema", {}).get("description") or "",
        )
        for each in operation.get("parameters", [])
    ]
    if parameters:
        parts.append(table(("parameter", "in", "required", "meaning"), parameters))
    body = operation.get("requestBody")
    if body is not None:
        for media, content in body["content"].items():
            parts.append(f"Body, `{media}`:")
            parts += _fields(document, content.get("schema", {}))
    answers = ", ".join(code(status) for status in sorted(operation["responses"]))
    parts.append(f"Answers: {answers}.")
    return parts


def _fields(document: Document, schema: Document) -> list[str]:
    reference = schema.get("$ref", "").rpartition("/")[2]
    named = document["components"]["schemas"].get(reference, schema)
    if "anyOf" in named:
        names = [each.get("$ref", "").rpartition("/")[2] for each in named["anyOf"]]
        return ["One of: " + ", ".join(code(name) for name in names if name) + "."]
    required = set(named.get("required", ()))
    rows = [
        (
            code(name),
            "yes" if name in required else "",
            one_line(field.get("description", "")) or _type(field),
        )
        for name, field in named.get("properties", {}).items()
    ]
    if not rows:
        return [one_line(named.get("description")) or "The bytes of a signed command."]
    return [table(("field", "required", "content"), rows)]


def _type(field: Document) -> str:
    named = field.get("type") or field.get("$ref", "").rpartition("/")[2] or "any JSON value"
    return " or ".join(named) if isinstance(named, list) else str(named)
