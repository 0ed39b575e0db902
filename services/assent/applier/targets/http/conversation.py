"""The requests of one change, in order, and what is known of the target after each.

A request whose answer is lost may have been carried out. If sending it again does no harm, it is sent again,
with the same idempotency key. If not, the target is asked what it shows, and until then the outcome is
unknown.
"""

import asyncio
from typing import Any, Final

import httpx

from assent.applier.targets.http.answers import (
    UNAUTHORIZED,
    Meaning,
    is_repeatable,
    meaning_of,
    retry_after_s,
    text_of_value,
)
from assent.applier.targets.http.callbacks import Callbacks
from assent.applier.targets.http.connection import Answer, HttpConnection, TokenError
from assent.applier.targets.http.table import HttpTable, Outcome, Step
from assent.applier.targets.http.templates import AsItIs, Templates
from assent.applier.targets.json_pointers import NOTHING, value_at
from assent.applier.targets.secrets import SecretError
from assent.targets.addresses import PrivateAddressError, UnresolvedError
from assent_contracts.client.handler import FinalError, RetryableError, UnknownOutcomeError

PAGES_MAX: Final = 100
_PAUSE_S: Final = 0.5
_PAUSE_MAX_S: Final = 30.0
_SHOWN_CHARS: Final = 300
_NOT_SENT: Final = (
    TokenError,
    SecretError,
    PrivateAddressError,
    UnresolvedError,
    httpx.ConnectError,
    httpx.ConnectTimeout,
)
_LOST: Final = (httpx.HTTPError, TimeoutError)
_MISSING: Final = (404, 410)


class LostError(Exception):
    """A request may have been carried out, and must not be sent again."""


class NotShownError(Exception):
    """The target does not show the change."""


class Conversation:
    """The requests of one change. Raises what a handler raises, and LostError or NotShownError."""

    def __init__(
        self,
        table: HttpTable,
        connection: HttpConnection,
        templates: Templates,
        values: dict[str, Any],
        callbacks: Callbacks | None = None,
    ) -> None:
        """`values`: the facts of the change. What the steps save is added to them.

        `callbacks`: the receiver, if a step waits for one.
        """
        self._callbacks = callbacks
        self._table = table
        self._connection = connection
        self._templates = templates
        self.values = values
        for step in (*table.steps, *table.read_back):
            for name in (*step.save, *step.save_headers):
                values.setdefault(name, None)
        self._changing: set[str] = set()
        """The steps that may have changed something."""

    @property
    def maybe_changed(self) -> bool:
        """Whether something may have been changed in the target."""
        return bool(self._changing)

    async def take(self, step: Step) -> None:
        """Send the step's request, unless it is left out, and look at the answer."""
        if step.when is not None and not self._templates.is_true(step.when, self.values):
            return
        if step.outcome is not None and step.outcome.callback:
            await self._take_with_callback(step, step.outcome)
            return
        answer = await self._exchange(step)
        self._look_at(step, await self._meant(step, answer), answer)
        if step.outcome is not None:
            await self._wait_for(step, step.outcome, answer)

    async def check(self, step: Step) -> None:
        """A step of `read_back`. Raises NotShownError, RetryableError."""
        if step.when is not None and not self._templates.is_true(step.when, self.values):
            return
        url = self._templates.url(step.url, self.values)
        answer = await self._read(url, self._headers(step))
        missing = answer.status in _MISSING
        if not missing and meaning_of(step, answer.status) != "success":
            raise RetryableError(self._said(step, answer))
        meant = NOTHING if missing else await self._meant(step, answer)
        if (meant is NOTHING) != step.absent:
            raise NotShownError
        if not step.absent:
            self._save(step, meant, answer)
            if self._differing(step, meant) is not None:
                raise NotShownError

    async def _exchange(self, step: Step) -> Answer:
        url = self._templates.url(step.url, self.values)
        body = None if step.body is None else self._templates.body(step.body, self.values)
        headers = self._headers(step)
        if body is not None:
            headers["content-type"] = self._templates.header(step.content_type, self.values)
        pause_s = _PAUSE_S
        while True:
            wait_s = await self._try(step, url, headers, body)
            if isinstance(wait_s, Answer):
                return wait_s
            await asyncio.sleep(max(pause_s, wait_s))
            pause_s = min(2 * pause_s, _PAUSE_MAX_S)

    async def _try(
        self, step: Step, url: httpx.URL, headers: dict[str, str], body: bytes | None
    ) -> Answer | float:
        """The answer of a successful request, or the seconds until it may be sent again."""
        meaning, said, answer = await self._ask(step, url, headers, body)
        changes = step.method != "GET"
        if changes and meaning in ("success", "lost"):
            self._changing.add(step.name)
        if meaning == "success" and answer is not None:
            return answer
        if meaning == "final":
            raise FinalError(f"Nothing was changed: {said}")
        if meaning == "lost" and changes and not is_repeatable(step, self._table):
            raise LostError(said)
        wait_s = 0.0 if answer is None else retry_after_s(answer.headers)
        if not self.maybe_changed:
            raise RetryableError(said, retry_after_s=wait_s or None)
        return wait_s

    async def _ask(
        self, step: Step, url: httpx.URL, headers: dict[str, str], body: bytes | None
    ) -> tuple[Meaning, str, Answer | None]:
        """What became of the request, in a word and for people, and the answer if there is one."""
        try:
            answer = await self._connection.send(
                step.method, url, key=self.values["key"], headers=headers, body=body
            )
        except _NOT_SENT as error:
            return "later", _failure(step, error), None
        except _LOST as error:
            return "lost", _failure(step, error), None
        if answer.status == UNAUTHORIZED:
            self._connection.forget_token()
        return meaning_of(step, answer.status), self._said(step, answer), answer

    async def _read(self, url: httpx.URL, headers: dict[str, str]) -> Answer:
        try:
            return await self._connection.send("GET", url, key="", headers=headers, body=None)
        except (*_NOT_SENT, *_LOST) as error:
            msg = f"The target does not answer: {type(error).__name__}."
            raise RetryableError(msg) from error

    async def _meant(self, step: Step, answer: Answer) -> Any:
        """The answer's JSON, or the object in it that the step looks for; NOTHING if there is none."""
        find = step.find
        if find is None:
            return answer.json
        wanted = {at: self._templates.text(text, self.values) for at, text in find.where.items()}
        for _ in range(PAGES_MAX):
            listed = value_at(answer.json, find.list)
            if not isinstance(listed, list):
                raise RetryableError(f"{step.name}: the answer has no list at {find.list!r}.")
            for each in listed:
                if all(text_of_value(value_at(each, at)) == text for at, text in wanted.items()):
                    return each
            following = NOTHING if find.next is None else value_at(answer.json, find.next)
            if not isinstance(following, str) or not following:
                return NOTHING
            answer = await self._read(
                self._templates.url("{{ u }}", {"u": AsItIs(following)}), self._headers(step)
            )
            if meaning_of(step, answer.status) != "success":
                raise RetryableError(self._said(step, answer))
        raise FinalError(f"{step.name}: the list has more than {PAGES_MAX} pages.")

    def _look_at(self, step: Step, meant: Any, answer: Answer) -> None:
        self._save(step, meant, answer)
        differing = self._differing(step, meant)
        if differing is not None:
            msg = f"{step.name}: the target answered with another value at {differing!r} than expected."
            raise (
                UnknownOutcomeError(msg) if self.maybe_changed else FinalError(f"Nothing was changed: {msg}")
            )

    def _save(self, step: Step, meant: Any, answer: Answer) -> None:
        for name, at in step.save.items():
            found = value_at(meant, at)
            self.values[name] = None if found is NOTHING else found
        for name, header in step.save_headers.items():
            self.values[name] = answer.headers.get(header)

    def _differing(self, step: Step, meant: Any) -> str | None:
        for at, text in step.expect.items():
            if text_of_value(value_at(meant, at)) != self._templates.text(text, self.values):
                return at
        return None

    async def _wait_for(self, step: Step, outcome: Outcome, answer: Answer) -> None:
        """Until the field says how it ended. The change's time limit ends this at the latest."""
        while (
            said := text_of_value(value_at(answer.json, outcome.at))
        ) in outcome.pending and outcome.poll is not None:
            await asyncio.sleep(outcome.every_s)
            try:
                asked = await self._read(self._templates.url(outcome.poll, self.values), {})
            except RetryableError:
                continue
            if meaning_of(step, asked.status) == "success":
                answer = asked
        if said in outcome.failed:
            self._changing.discard(step.name)
            raise FinalError(f"Nothing was changed: {self._said(step, answer)}")
        if said not in outcome.succeeded:
            raise UnknownOutcomeError(f"{step.name}: the target says {str(said)[:100]!r} of the change.")

    async def _take_with_callback(self, step: Step, outcome: Outcome) -> None:
        """The same for a step whose target reports later. That may be before its answer, or without one."""
        assert self._callbacks is not None, "`check_steps` has seen to it"
        async with self._callbacks.expected(self.values["key"], self.values["claim"], step.name) as expected:
            self.values["callback"] = expected.url
            try:
                answer = await self._exchange(step)
            except LostError:
                said = None
            else:
                self._look_at(step, await self._meant(step, answer), answer)
                said = text_of_value(value_at(answer.json, outcome.at))
            while said is None or said in outcome.pending:
                report = await expected.next()
                said = text_of_value(value_at(report, outcome.at))
                self._save_report(step, report)
        if said in outcome.failed:
            self._changing.discard(step.name)
            raise FinalError(f"Nothing was changed: {step.name}: the target reported {said[:100]!r}.")
        if said not in outcome.succeeded:
            raise UnknownOutcomeError(f"{step.name}: the target says {said[:100]!r} of the change.")

    def _save_report(self, step: Step, report: Any) -> None:
        for name, at in step.save.items():
            found = value_at(report, at)
            if found is not NOTHING:
                self.values[name] = found

    def _headers(self, step: Step) -> dict[str, str]:
        return {name: self._templates.header(text, self.values) for name, text in step.headers.items()}

    def _said(self, step: Step, answer: Answer) -> str:
        message = value_at(answer.json, self._table.error_message)
        shown = ""
        if isinstance(message, str):
            shown = f": {self._connection.without_secrets(message)[:_SHOWN_CHARS]}"
        return f"{step.name} was answered with status {answer.status}{shown}"


def _failure(step: Step, error: BaseException) -> str:
    ours = isinstance(error, TokenError | SecretError | PrivateAddressError | UnresolvedError)
    return f"{step.name}: {error if ours else type(error).__name__}"
