"""Templates. All text from users is escaped, and nothing in it stays hidden."""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from assent.gateway.console.static_files import static
from assent.gateway.console.text import t, th, tn
from assent.reading.overlooked_text import plain_ends
from assent.reading.visible_text import visible
from assent_contracts.core.governance.number_words import duration
from assent_contracts.limits import FOR_EVER_MS

_FOLDER: Final = Path(__file__).with_name("templates")
_LAYOUT: Final = "\n\t"
_RULE: Final = re.compile(r"(R\d{1,2}): (.+)", re.DOTALL)


def render(template: str, /, **context: Any) -> str:
    """A template with its context. Raises UndefinedError for a name that the context lacks."""
    return _environment().get_template(template).render(context)


@cache
def _environment() -> Environment:
    made = Environment(
        loader=FileSystemLoader(_FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_shown,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    made.tests["has"] = lambda names, name: name in names
    made.globals.update(t=t, tn=tn, th=th, static=static)
    made.filters.update(
        moment=time_element, duration=duration, as_sent=as_sent, in_words=in_words, name_of=name_from
    )
    return made


def _shown(value: Any) -> Any:
    # Text from others must not reverse the line or look like something else. Markup is our own.
    return visible(plain_ends(value), also=_LAYOUT) if type(value) is str else value


def as_sent(text: str) -> Markup:
    """Escaped and otherwise unchanged, for text that returns to the server in a form field."""
    return escape(text)


def in_words(detail: str) -> Markup:
    """The reason of a refusal. The rule's number (`R9: this is`) is moved to the end, in small type."""
    found = _RULE.fullmatch(detail)
    if found is None:
        return escape(_shown(detail))
    said = _shown(found[2][:1].upper() + found[2][1:])
    return Markup('{} <span class="rule-code">({})</span>').format(said, found[1])


def name_from(account: str, who: Callable[[str], str]) -> str:
    """The name of an account, for lists of them."""
    return who(account)


def time_element(at_ms: int) -> Markup:
    """A time in UTC. `console.js` converts it to the reader's time zone."""
    if at_ms >= FOR_EVER_MS:
        return Markup("-")
    # It cannot be past the year 9999, because the limits of the contracts are lower.
    at = datetime.fromtimestamp(at_ms / 1_000, UTC)
    # S704: only digits and our own markup.
    return Markup(  # noqa: S704
        f'<time datetime="{at:%Y-%m-%dT%H:%M:%S.%fZ}" data-at="{at_ms}">{at:%Y-%m-%d %H:%M} UTC</time>'
    )
