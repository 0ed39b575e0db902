"""The texts that people read, and the JSON that webhooks get.

Text written by people is made harmless first. It becomes one line of visible characters of limited length,
without anything that a chat reads as a mention or a link. So it cannot end a header, imitate another line or
notify everybody.
"""

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import msgspec
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from assent.notify.delivery import Delivery
from assent.reading.visible_text import visible
from assent.targets.news import OF_GOVERNANCE, STATUS

NAME_MAX_CHARS: Final = 80
WORDS_MAX_CHARS: Final = 500
SUBJECT_MAX_CHARS: Final = 160
_ELLIPSIS: Final = "…"
_BLANKS: Final = re.compile(r"[ \t\r\n]+")
_MENTION: Final = re.compile(r"@(?=everyone|here|channel|all|room|[&!])", re.IGNORECASE)
_ASIDE: Final = "\u2060"
"""A word joiner: it is invisible, and separates what a chat would read as one."""
_ALIKE: Final = str.maketrans({"<": "‹", ">": "›", "`": "ˋ"})  # noqa: RUF001  they look alike
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


def text_of(delivery: Delivery, public_url: str | None) -> MessageText:
    """The message in words."""
    facts = delivery.facts
    rendered = _TEXTS.get_template(f"{delivery.event}.txt").render(
        operation=harmless(facts.operation, NAME_MAX_CHARS),
        resource=harmless(facts.resource, NAME_MAX_CHARS),
        requester=harmless(facts.requester, NAME_MAX_CHARS),
        on_behalf_of=harmless(facts.on_behalf_of, NAME_MAX_CHARS),
        by=harmless(facts.by, NAME_MAX_CHARS) or "Assent",
        words=harmless(facts.words, WORDS_MAX_CHARS),
        released=facts.released,
        request=delivery.request,
        link=link_to(delivery.request, public_url),
    )
    subject, _, body = rendered.partition("\n")
    # Each part is within its limit: only together can they be too long.
    return MessageText(_cut(subject, SUBJECT_MAX_CHARS), body.strip())


def payload_of(delivery: Delivery, public_url: str | None) -> str:
    """The message as JSON: {type, timestamp, data}, the same bytes for every attempt."""
    at = datetime.fromtimestamp(delivery.at / 1_000, UTC)
    if delivery.event in OF_GOVERNANCE:
        data = _data_of_governance(delivery)
    else:
        data = _data_of_request(delivery, public_url)
    about = "governance" if delivery.event in OF_GOVERNANCE else "request"
    message = {
        "type": f"assent.{about}.{delivery.event}",
        "timestamp": at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "data": data,
    }
    return msgspec.json.encode(message).decode()


def _data_of_governance(delivery: Delivery) -> dict[str, Any]:
    return {
        "object": delivery.request,
        "principal": delivery.facts.requester,
        "by": delivery.facts.by,
        "position": {"governance": delivery.seq},
    }


def _data_of_request(delivery: Delivery, public_url: str | None) -> dict[str, Any]:
    return {
        "request": delivery.request,
        "resource": delivery.facts.resource,
        "operation": delivery.facts.operation,
        "requester": delivery.facts.requester,
        **({"on_behalf_of": delivery.facts.on_behalf_of} if delivery.facts.on_behalf_of else {}),
        "status": STATUS[delivery.event],
        "link": link_to(delivery.request, public_url),
        "position": {"partition": delivery.partition, "seq": delivery.seq},
    }


def link_to(request: str, public_url: str | None) -> str | None:
    """The request's page in the console; None when the console's address is not configured."""
    return None if public_url is None else f"{public_url.rstrip('/')}/requests/{request}"
