"""Templates: everything that somebody has written is escaped, and nothing in it stays hidden."""

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
from assent.reading.oddities import plain_ends
from assent.reading.visible import visible
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
    made.globals.update(t=t, tn=tn, th=th, static=static)
    made.filters.update(moment=moment, duration=duration, as_sent=as_sent, in_words=in_words, name_of=name_of)
    return made


def _shown(value: Any) -> Any:
    # What others wrote must not turn the line round, nor look like something else. Markup is ours.
    return visible(plain_ends(value), also=_LAYOUT) if type(value) is str else value


def as_sent(text: str) -> Markup:
    """Escaped, and else as it is: what goes back to the server in a field of a form."""
    return escape(text)


def in_words(detail: str) -> Markup:
    """Why something was refused. The number of the rule (`R9: this is`) follows small what it means."""
    found = _RULE.fullmatch(detail)
    if found is None:
        return escape(_shown(detail))
    said = _shown(found[2][:1].upper() + found[2][1:])
    return Markup('{} <span class="rule-code">({})</span>').format(said, found[1])


def name_of(account: str, who: Callable[[str], str]) -> str:
    """The name of an account, for lists of them."""
    return who(account)


def moment(at_ms: int) -> Markup:
    """A time: in UTC as it stands, in the reader's zone once `console.js` has seen it."""
    if at_ms >= FOR_EVER_MS:
        return Markup("-")
    # Past the year 9999 there is none: the limits of the contracts end before.
    at = datetime.fromtimestamp(at_ms / 1_000, UTC)
    # S704: digits and our own marks.
    return Markup(  # noqa: S704
        f'<time datetime="{at:%Y-%m-%dT%H:%M:%S.%fZ}" data-at="{at_ms}">{at:%Y-%m-%d %H:%M} UTC</time>'
    )
