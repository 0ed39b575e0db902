"""An HTTP API as a target.

Whether an effect happens exactly once depends on the target. Each request has the same idempotency key on
every try. Where the target does not honour it, a request that may have been carried out is not sent again,
but looked for with `read_back`.
"""

import asyncio
from typing import Any, Final

from assent.applier.targets.http.answers import is_repeatable
from assent.applier.targets.http.callbacks import Callbacks
from assent.applier.targets.http.connection import HttpConnection
from assent.applier.targets.http.conversation import Conversation, LostError, NotShownError
from assent.applier.targets.http.table import HttpTable, Step
from assent.applier.targets.http.templates import TemplateFaultError, Templates, facts_of
from assent_contracts.client.handler import Applied, FinalError, Release, RetryableError, UnknownOutcomeError
from assent_contracts.released_change import Change
from assent_contracts.resources import resource_type

_LOOK_EVERY_S: Final = 1.0
VERSION_MAX_CHARS: Final = 200
_LOOKS: Final = 5
"""How often the target is asked for a change whose answer was lost."""


class HttpTarget:
    """One API."""

    def __init__(self, table: HttpTable, timeout_s: float) -> None:
        """`timeout_s`: for all requests of a change together. Raises TemplateFaultError, OSError,
        SSLError.
        """
        self._table = table
        self._timeout_s = timeout_s
        self._templates = Templates()
        check_steps(table, self._templates)
        self._connection = HttpConnection(table)
        self._callbacks = None if table.callbacks is None else Callbacks(table.callbacks)

    async def apply(self, release: Release) -> Applied | None:
        """Send the requests of the change."""
        steps = self._steps(self._table.steps, release.change)
        if not steps:
            kind = resource_type(release.change.resource)
            does = release.change.operation
            msg = f"Nothing was changed: no step is configured for the operation {does} of a {kind}."
            raise FinalError(msg)
        talk = self._conversation(release.change, release)
        try:
            async with asyncio.timeout(self._timeout_s):
                for step in steps:
                    await talk.take(step)
        except LostError as error:
            return await self._look_for(release, str(error))
        except TimeoutError as error:
            msg = f"The target did not finish within {self._timeout_s:g} s."
            raise (UnknownOutcomeError(msg) if talk.maybe_changed else RetryableError(msg)) from error
        except (FinalError, RetryableError) as error:
            if talk.maybe_changed:
                msg = f"A part of the change may have been made. {error}"
                raise UnknownOutcomeError(msg) from error
            raise
        return self._applied(talk.values)

    async def read_back(self, release: Release) -> Applied | None:
        """Whether the target shows the change."""
        if not self._can_ask and self._is_repeatable(release.change):
            return None
        shown = await self._shown(release)
        if shown is not None:
            return shown
        if self._table.not_found_is_not_made or self._is_repeatable(release.change):
            return None
        msg = "The target does not show the change, but it may still make it."
        raise UnknownOutcomeError(msg)

    @property
    def reads_back(self) -> bool:
        """False only if every request may be sent again, and nothing shows what was made."""
        return self._can_ask or not all(is_repeatable(step, self._table) for step in self._table.steps)

    @property
    def _can_ask(self) -> bool:
        return bool(self._table.read_back)

    async def plan(self, change: Change) -> str:
        """The requests that would be sent. Those that change nothing are sent, up to the first that would."""
        talk = self._conversation(change, None)
        lines: list[str] = []
        for step in self._steps(self._table.steps, change):
            try:
                if step.method == "GET" and not lines:
                    async with asyncio.timeout(self._timeout_s):
                        await talk.take(step)
                    continue
                if step.when is None or self._templates.is_true(step.when, talk.values):
                    lines += self._planned(step, talk.values)
            except FinalError as error:
                lines.append(f"{step.name}: {step.method} {step.url}  ({error})")
            except TimeoutError as error:
                raise RetryableError("The target does not answer.") from error
        return "\n".join(lines or ["No request would be sent."]) + "\n"

    async def close(self) -> None:
        """Close all connections."""
        await self._connection.close()
        if self._callbacks is not None:
            await self._callbacks.close()

    def _planned(self, step: Step, values: dict[str, Any]) -> list[str]:
        lines = [f"{step.name}: {step.method} {self._templates.url(step.url, values)}"]
        if step.body is not None:
            lines.append(self._templates.body(step.body, values).decode())
        return lines

    async def _shown(self, release: Release) -> Applied | None:
        steps = self._steps(self._table.read_back, release.change)
        if not steps:
            msg = "Nothing is configured that shows whether the target made the change."
            raise UnknownOutcomeError(msg)
        talk = self._conversation(release.change, release)
        try:
            async with asyncio.timeout(self._timeout_s):
                for step in steps:
                    await talk.check(step)
        except NotShownError:
            return None
        except TimeoutError as error:
            msg = "The target did not say in time whether it made the change."
            raise RetryableError(msg) from error
        except FinalError as error:
            raise UnknownOutcomeError(str(error)) from error
        return self._applied(talk.values)

    async def _look_for(self, release: Release, lost: str) -> Applied:
        """The change, once the target shows it. Its answer was lost, so until then it is unknown."""
        for _ in range(_LOOKS if self._can_ask else 0):
            try:
                shown = await self._shown(release)
            except RetryableError:
                shown = None
            if shown is not None:
                return shown
            await asyncio.sleep(_LOOK_EVERY_S)
        msg = f"The change may have been made: {lost}"
        raise UnknownOutcomeError(msg)

    def _conversation(self, change: Change, release: Release | None) -> Conversation:
        facts = facts_of(change, release)
        return Conversation(self._table, self._connection, self._templates, facts, self._callbacks)

    def _is_repeatable(self, change: Change) -> bool:
        return all(is_repeatable(step, self._table) for step in self._steps(self._table.steps, change))

    def _applied(self, values: dict[str, Any]) -> Applied:
        try:
            return Applied("", self._templates.text(self._table.version, values)[:VERSION_MAX_CHARS])
        except FinalError:
            return Applied()  # the change is made, whether or not its version can be told

    @staticmethod
    def _steps(steps: tuple[Step, ...], change: Change) -> list[Step]:
        kind = resource_type(change.resource)
        return [
            step
            for step in steps
            if (step.types is None or kind in step.types)
            and (step.operations is None or change.operation in step.operations)
        ]


def check_steps(table: HttpTable, templates: Templates) -> None:
    """Raises TemplateFaultError that names the step and its field if one of them cannot work."""
    for part, steps in (("steps", table.steps), ("read_back", table.read_back)):
        for number, step in enumerate(steps):
            if part == "read_back" and (step.method != "GET" or step.outcome is not None):
                msg = f"http.read_back[{number}] ({step.name}): only GET, and no `outcome`."
                raise TemplateFaultError(msg)
            _check_outcome(table, step, f"http.{part}[{number}].outcome ({step.name})")
            for field, kind, source in _templates_of(step):
                try:
                    templates.check(kind, source)
                except TemplateFaultError as error:
                    msg = f"http.{part}[{number}].{field} ({step.name}): {error}"
                    raise TemplateFaultError(msg) from error
    try:
        templates.check("text", table.version)
    except TemplateFaultError as error:
        msg = f"http.version: {error}"
        raise TemplateFaultError(msg) from error


def _check_outcome(table: HttpTable, step: Step, place: str) -> None:
    if step.outcome is None or not step.outcome.callback:
        return
    if table.callbacks is None:
        msg = f"{place}: `callback` needs the table [http.callbacks]."
        raise TemplateFaultError(msg)
    if step.outcome.poll is not None:
        msg = f"{place}: it has either `poll` or `callback`."
        raise TemplateFaultError(msg)
    if step.method == "GET":
        msg = f"{place}: `callback` is for a step that changes something."
        raise TemplateFaultError(msg)


def _templates_of(step: Step) -> list[tuple[str, str, str]]:
    """Field, kind and source of every template of a step."""
    found = [("url", "url", step.url), ("content_type", "text", step.content_type)]
    found += [(f"headers.{name}", "text", text) for name, text in step.headers.items()]
    found += [(f"expect.{at}", "text", text) for at, text in step.expect.items()]
    if step.find is not None:
        found += [(f"find.where.{at}", "text", text) for at, text in step.find.where.items()]
    if step.when is not None:
        found.append(("when", "expression", step.when))
    if step.body is not None:
        found.append(("body", "body", step.body))
    if step.outcome is not None and step.outcome.poll is not None:
        found.append(("outcome.poll", "url", step.outcome.poll))
    return found
