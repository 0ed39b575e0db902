"""Ask a service's /readyz what it lacks, and what it notes."""

from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from typing import Final
from urllib.parse import urlsplit

import msgspec

from assent.observe.health import Reason

_HTTP_LIMIT_S: Final = 3.0
_ANSWER_MAX_BYTES: Final = 1024 * 1024
_SILENT: Final = {"": Reason(why="It is not ready and gives no reason.", todo="Is it of this version?")}


class _Noted(msgspec.Struct):
    """What a ready service answers at /readyz; a gateway's answer has less."""

    noted: dict[str, Reason] = {}


class Readiness(msgspec.Struct, frozen=True):
    """What a service reports about itself, by condition."""

    missing: dict[str, Reason]
    """Empty when it is ready."""
    noted: dict[str, Reason] = {}
    """What does not stop it from working."""


def readiness(url: str) -> Readiness:
    """What a service lacks and notes, or why it does not answer."""
    parts = urlsplit(url)
    # Not urlopen: that would send requests for this machine to a proxy.
    connection = HTTPConnection(parts.netloc, timeout=_HTTP_LIMIT_S)
    try:
        connection.request("GET", f"{parts.path}/readyz")
        answer = connection.getresponse()
        body = answer.read(_ANSWER_MAX_BYTES)
        if answer.status == HTTPStatus.OK:
            return Readiness({}, msgspec.json.decode(body, type=_Noted).noted)
        said = msgspec.json.decode(body, type=Readiness)
        return said if said.missing else Readiness(_SILENT)
    except (OSError, HTTPException) as error:
        why = f"It does not answer: {str(error) or type(error).__name__}."
        todo = "It is restarted automatically. If this persists, it cannot start."
        return Readiness({"": Reason(why=why, todo=todo)})
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return Readiness(_SILENT)
    finally:
        connection.close()
