"""Templates of requests. What a template may do is limited, and each value is written for its place. Pure."""

import base64
import binascii
from collections.abc import Callable, Mapping
from typing import Any, Final
from urllib.parse import quote

import httpx
from jinja2 import StrictUndefined, Template, TemplateError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from assent.applier.targets.exact_json import NumberError, decode_exactly, encode_exactly
from assent_contracts.client.handler import FinalError, Release
from assent_contracts.file_payloads import file_of_payload
from assent_contracts.released_change import Change
from assent_contracts.resources import resource_type

RENDERED_MAX_CHARS: Final = 1024 * 1024
Values = Mapping[str, Any]


class TemplateFaultError(Exception):
    """A template of the configuration is wrong."""


class AsItIs(str):
    """A text that is put into its place unchanged."""

    __slots__ = ()


def facts_of(change: Change, release: Release | None) -> dict[str, Any]:
    """The values that every template can use. Raises FinalError."""
    payload = bytes(change.payload)
    try:
        decoded = decode_exactly(payload)
    except NumberError as error:
        msg = f"Nothing was changed: {error}."
        raise FinalError(msg) from error
    return {
        "request": change.request,
        "resource": change.resource,
        "type": resource_type(change.resource),
        "id": change.resource.partition("/")[2],
        "operation": change.operation,
        "requester": change.requester,
        "justification": change.justification,
        "submission": change.submission,
        "digest": change.digest,
        "payload": decoded,
        "payload_json": AsItIs(payload.decode()),
        "file": file_of_payload(payload),
        "key": "" if release is None else release.idempotency_key,
        "claim": 0 if release is None else release.claim,
        "callback": "",
        "approvers": [] if release is None else list(release.approvers),
    }


class Templates:
    """Compiled templates. Each method raises FinalError if a value is missing or does not fit its place."""

    def __init__(self) -> None:
        self._urls, self._bodies, self._texts = (_environment(each) for each in (_in_url, _in_json, _in_text))
        self._compiled: dict[tuple[str, str], Template] = {}

    def check(self, kind: str, source: str) -> None:
        """Raises TemplateFaultError unless the template can be compiled. `kind`: url, body, text,
        expression.
        """
        try:
            if kind == "expression":
                self._texts.compile_expression(source)
            else:
                self._template(kind, source)
        except TemplateError as error:
            raise TemplateFaultError(str(error)) from error

    def url(self, source: str, values: Values) -> httpx.URL:
        """The URL."""
        text = self._render("url", source, values)
        try:
            url = httpx.URL(text)
        except (httpx.InvalidURL, ValueError) as error:
            raise FinalError(_fault("the URL is not valid")) from error
        if url.userinfo or not url.host or not url.is_absolute_url:
            raise FinalError(_fault("the URL has no host, or a user in it"))
        return url

    def body(self, source: str, values: Values) -> bytes:
        """The body, which is JSON."""
        text = self._render("body", source, values)
        try:
            decode_exactly(text.encode())
        except ValueError as error:
            raise FinalError(_fault("the request's body is not JSON")) from error
        return text.encode()

    def header(self, source: str, values: Values) -> str:
        """A header's value. One that HTTP cannot carry is refused here, because then nothing was sent."""
        text = self.text(source, values)
        if not text.isascii() or text != text.strip():
            raise FinalError(_fault("a header's value is not ASCII, or begins or ends with a space"))
        return text

    def text(self, source: str, values: Values) -> str:
        """A text of one line, such as a value that is compared."""
        text = self._render("text", source, values)
        if not text.isprintable():
            raise FinalError(_fault("a header or a compared value has control characters"))
        return text

    def is_true(self, source: str, values: Values) -> bool:
        """The expression's truth."""
        try:
            return bool(self._texts.compile_expression(source, undefined_to_none=False)(**values))
        except (TemplateError, TypeError, ValueError) as error:
            raise FinalError(_fault(f"the condition {source!r} failed: {error}")) from error

    def _render(self, kind: str, source: str, values: Values) -> str:
        try:
            text = self._template(kind, source).render(values)
        except FinalError:
            raise
        except (TemplateError, TypeError, ValueError, ArithmeticError) as error:
            raise FinalError(_fault(f"the template of the request failed: {error}")) from error
        if len(text) > RENDERED_MAX_CHARS:
            raise FinalError(_fault("the request is too large"))
        return text

    def _template(self, kind: str, source: str) -> Template:
        found = self._compiled.get((kind, source))
        if found is None:
            environment = {"url": self._urls, "body": self._bodies, "text": self._texts}[kind]
            found = self._compiled[kind, source] = environment.from_string(source)
        return found


def _environment(finalize: Callable[[Any], str]) -> ImmutableSandboxedEnvironment:
    # S701: no HTML is made; `finalize` writes each value for its place.
    made = ImmutableSandboxedEnvironment(undefined=StrictUndefined, finalize=finalize, autoescape=False)
    made.filters |= {"base64": _base64, "from_base64": _from_base64, "as_url": AsItIs, "json": encode_exactly}
    return made


def _in_json(value: Any) -> str:
    if isinstance(value, AsItIs):
        return value
    if isinstance(value, bytes):
        raise FinalError(_fault("a file is put into JSON: use the filter base64"))
    if isinstance(value, StrictUndefined):
        return str(value)  # which raises
    return encode_exactly(value)


def _in_url(value: Any) -> str:
    if isinstance(value, AsItIs):
        return value
    text = _in_text(value)
    if text in ("", ".", ".."):
        raise FinalError(_fault(f"the value {text!r} cannot be a part of a URL"))
    return quote(text, safe="")


def _in_text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, bytes | dict | list):
        raise FinalError(_fault(f"a {type(value).__name__} is where a text or a number must be"))
    return "" if value is None else str(value)


def _base64(value: str | bytes) -> str:
    return base64.b64encode(value.encode() if isinstance(value, str) else value).decode()


def _from_base64(value: str) -> str:
    try:
        return base64.b64decode(value, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError, TypeError):
        return ""


def _fault(what: str) -> str:
    return f"Nothing was changed: {what}."
