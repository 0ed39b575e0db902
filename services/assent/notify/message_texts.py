"""The texts that people read.

Text written by people is made harmless first. It becomes one line of visible characters of limited length,
without anything that a chat reads as a mention or a link. So it cannot end a header, imitate another line or
notify everybody.
"""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import msgspec
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from assent.notify.delivery import Message
from assent.reading.visible_text import visible
from assent.targets.news import OF_FINDINGS, NewsEvent

NAME_MAX_CHARS: Final = 80
WORDS_MAX_CHARS: Final = 500
WORDS_OF_SEVERAL_MAX_CHARS: Final = 150
SUBJECT_MAX_CHARS: Final = 160
_ELLIPSIS: Final = "…"
_BLANKS: Final = re.compile(r"[ \t\r\n]+")
_MENTION: Final = re.compile(r"@(?=everyone|here|channel|all|room|[&!])", re.IGNORECASE)
_ASIDE: Final = "\u2060"
"""A word joiner: it is invisible, and separates what a chat would read as one."""
_ALIKE: Final = str.maketrans({"<": "‹", ">": "›", "`": "ˋ"})  # noqa: RUF001  they look alike
_ASKING: Final[frozenset[NewsEvent]] = frozenset({"needs-approval", "submitted-for-you"})
"""What these quote, the requester has written; of everything else it is who decided or reported."""
_LINK: Final = re.compile(r"\]\(|://")

_TEXTS: Final = Environment(
    loader=FileSystemLoader(Path(__file__).with_name("text")),
    undefined=StrictUndefined,
    # Plain text: there is no markup to escape.
    autoescape=False,  # noqa: S701
    keep_trailing_newline=False,
    trim_blocks=True,
)


class MessageText(msgspec.Struct, frozen=True):
    """A message as people read it: a subject of one line, and plain text."""

    subject: str
    body: str


def one_line(text: str, limit: int) -> str:
    """Text from people as one line of at most `limit` characters, with invisible ones as code points."""
    line = visible(_BLANKS.sub(" ", text[: 4 * limit]).strip())
    return _cut(line, limit)


def _cut(line: str, limit: int) -> str:
    return line if len(line) <= limit else line[: limit - 1].rstrip() + _ELLIPSIS


def harmless(text: str, limit: int) -> str:
    """One line that no chat reads as a mention, a link or markup."""
    line = one_line(text, limit).translate(_ALIKE)
    return _LINK.sub(_parted, _MENTION.sub("@" + _ASIDE, line))


def _parted(found: re.Match[str]) -> str:
    return found[0][0] + _ASIDE + found[0][1:]


def text_of(messages: Sequence[Message], public_url: str | None) -> MessageText:
    """The messages in words: one by its own text, several as a list."""
    if len(messages) == 1:
        return _text_of_one(messages[0], public_url)
    return _split(
        _TEXTS.get_template("several.txt").render(
            entries=[_entry(each, public_url) for each in messages],
            all_ask=all(each.event == "needs-approval" for each in messages),
        )
    )


def _text_of_one(message: Message, public_url: str | None) -> MessageText:
    facts = message.facts
    return _split(
        _TEXTS.get_template(f"{message.event}.txt").render(
            operation=harmless(facts.operation, NAME_MAX_CHARS),
            resource=harmless(facts.resource, NAME_MAX_CHARS),
            requester=_who(facts.requester, facts.requester_name),
            requester_id=harmless(facts.requester, NAME_MAX_CHARS),
            on_behalf_of=_who(facts.on_behalf_of, facts.on_behalf_of_name),
            by=_who(facts.by, facts.by_name) or "Assent",
            words=harmless(facts.words, WORDS_MAX_CHARS),
            outcome=facts.outcome,
            released=facts.released,
            target=harmless(facts.target, NAME_MAX_CHARS),
            kind=facts.kind,
            made_by=harmless(facts.made_by, NAME_MAX_CHARS),
            request=message.request,
            link=_link_of(message, public_url),
        )
    )


def text_of_test(public_url: str | None) -> MessageText:
    """The test message in words."""
    return _split(_TEXTS.get_template("test.txt").render(link=link_to_targets(public_url)))


def _entry(message: Message, public_url: str | None) -> dict[str, str | None]:
    facts = message.facts
    asks = message.event in _ASKING
    who = _who(facts.requester, facts.requester_name) if asks else _who(facts.by, facts.by_name)
    return {
        "subject": _text_of_one(message, public_url).subject,
        "who": who or "Assent",
        "words": harmless(facts.words, WORDS_OF_SEVERAL_MAX_CHARS),
        "about": f"{'Finding' if message.event in OF_FINDINGS else 'Request'} {message.request}",
        "link": _link_of(message, public_url),
    }


def _who(account: str, name: str) -> str:
    """An account by its display name and its id: two accounts may have one name."""
    shown = harmless(account, NAME_MAX_CHARS)
    return f"{harmless(name, NAME_MAX_CHARS)} ({shown})" if name and name != account else shown


def _split(rendered: str) -> MessageText:
    subject, _, body = rendered.partition("\n")
    # Each part is within its limit: only together can they be too long.
    return MessageText(_cut(subject, SUBJECT_MAX_CHARS), body.strip())


def link_to(request: str, public_url: str | None) -> str | None:
    """The request's page in the console; None when the console's address is not configured."""
    return _page("/requests/" + request, public_url)


def link_to_finding(finding: str, public_url: str | None) -> str | None:
    """The finding on its page; None when the console's address is not configured."""
    return _page(f"/findings#card-{finding}", public_url)


def _link_of(message: Message, public_url: str | None) -> str | None:
    of = link_to_finding if message.event in OF_FINDINGS else link_to
    return of(message.request, public_url)


def link_to_targets(public_url: str | None) -> str | None:
    """The page on which one's targets are; None when the console's address is not configured."""
    return _page("/notifications", public_url)


def _page(path: str, public_url: str | None) -> str | None:
    return None if public_url is None else public_url.rstrip("/") + path
