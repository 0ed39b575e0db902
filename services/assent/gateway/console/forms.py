"""Forms of the console: read once, with a size limit and a timeout. Every field is text."""

import asyncio
from typing import Any, Final

from litestar import Request, Response
from litestar.datastructures import FormMultiDict

from assent.gateway.application.governance_changes import Changed
from assent.gateway.application.projection_waits import requests_caught_up
from assent.gateway.console.text import t
from assent.gateway.gateway_components import Gateway
from assent.gateway.problems import Problem, malformed_problem
from assent.gateway.request_bodies import BODY_WITHIN_S
from assent_contracts.client.publisher import new_command_id

FORM_MAX_BYTES = 1024 * 1024
"""A payload of 256 KiB with up to three bytes for each in a form's encoding, and some room."""
_VALUES_MAX = 2_000
_OUTCOME_UNKNOWN: Final = frozenset({"late", "log-unreachable", "lagging"})
"""Problems after which the command may take effect, or may already have."""


class Form:
    """The fields of a form that was sent."""

    def __init__(self, fields: FormMultiDict) -> None:
        self._fields = fields

    def text(self, name: str) -> str:
        """One field, with LF as line ends; empty if it is missing."""
        value = self._fields.get(name, "")
        if not isinstance(value, str):
            raise malformed_problem(t("form.not_a_text", field=name))
        # Browsers send CR LF for every line of a field, whatever was typed or pasted.
        return value.replace("\r\n", "\n")

    def line(self, name: str) -> str:
        """One field without surrounding space."""
        return self.text(name).strip()

    def number(self, name: str) -> int | None:
        """One field as a number; None if it is missing. Raises Problem."""
        value = self.line(name)
        if not value:
            return None
        if not value.isascii() or not value.isdecimal() or len(value) > 18:
            raise malformed_problem(t("form.not_a_number", field=name))
        return int(value)

    def all(self, name: str) -> tuple[str, ...]:
        """All values of a field that can occur more than once."""
        values = self._fields.getall(name, [])
        if len(values) > _VALUES_MAX or not all(isinstance(each, str) for each in values):
            raise malformed_problem(t("form.not_these_values", field=name))
        return tuple(values)


async def read_form(request: Request[Any, Any, Any]) -> Form:
    """The form. Raises Problem: malformed, too-slow; Litestar refuses what is too large."""
    if request.content_type[0] != "application/x-www-form-urlencoded":
        raise malformed_problem(t("form.not_a_form"))
    try:
        async with asyncio.timeout(BODY_WITHIN_S):
            return Form(await request.form())
    except TimeoutError as error:
        raise Problem(408, "too-slow", t("form.too_slow"), todo=t("form.again")) from error


def form_key(form: Form) -> str | None:
    """The key with which the form counts once, however often it is sent; None if it has none."""
    return form.line("key") or None


def key_after(problem: Problem | None, form: Form | None) -> str:
    """The key of a form that is shown (again).

    It stays the same while the outcome of the sent form is unknown. After a refusal it is a new one, because
    the old one would get the same refusal again.
    """
    sent = form_key(form) if form is not None else None
    unknown = problem is not None and problem.code in _OUTCOME_UNKNOWN
    return sent if sent is not None and unknown else new_command_id()


async def see(gateway: Gateway, position: str, path: str) -> Response[None]:
    """Redirect (303) to a page that shows what was just decided at `position`.

    If the lists take longer than a few seconds, the page shows their current content and how far they lag.
    """
    await requests_caught_up(gateway, position)
    return go(path)


async def see_changed(gateway: Gateway, done: Changed, then: str) -> Response[None]:
    """Redirect to the request for a change to governance, or to `then` if the change took effect at once."""
    return (
        go(then)
        if done.request is None
        else await see(gateway, done.position, f"/requests/{done.request}#done")
    )


def go(path: str) -> Response[None]:
    """Redirect (303) to a page, so that reloading sends nothing again."""
    return Response(None, status_code=303, headers={"Location": path, "Cache-Control": "no-store"})
