"""Ask a service's /readyz what it lacks."""

from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from typing import Final
from urllib.parse import urlsplit

import msgspec

from assent.observe.health import Reason

_HTTP_LIMIT_S: Final = 3.0
_ANSWER_MAX_BYTES: Final = 1024 * 1024
_SILENT: Final = {"": Reason(why="It is not ready and does not say why.", todo="Is it of this version?")}


class _Readiness(msgspec.Struct):
    """What /readyz of a service answers."""

    missing: dict[str, Reason]


def lacking(url: str) -> dict[str, Reason]:
    """What a service lacks, by condition; empty when it is ready."""
    parts = urlsplit(url)
    # Not urlopen: it would ask a proxy for what is on this machine.
    connection = HTTPConnection(parts.netloc, timeout=_HTTP_LIMIT_S)
    try:
        connection.request("GET", f"{parts.path}/readyz")
        answer = connection.getresponse()
        if answer.status == HTTPStatus.OK:
            return {}
        return msgspec.json.decode(answer.read(_ANSWER_MAX_BYTES), type=_Readiness).missing or _SILENT
    except (OSError, HTTPException) as error:
        why = f"It does not answer: {str(error) or type(error).__name__}."
        return {"": Reason(why=why, todo="It is started again by itself. If it stays so, it cannot start.")}
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return _SILENT
    finally:
        connection.close()
