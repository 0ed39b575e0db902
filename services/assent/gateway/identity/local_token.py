"""The token of local sign-in: who has it may be any of the demo's people, and nobody else may.

`make run` and `assent up` make one at each start and print it as a link. It can be used more than once while
they run, because several of the demo's people sign in, each in a window of their own; it ends with them.
"""

import hashlib
import hmac
import re
from typing import Final

from assent.gateway.settings import GatewaySettings
from assent.settings import SettingsError
from assent_contracts.digests import to_base64url

COOKIE: Final = "assent-local"
PATH: Final = "/sign-in/local"
_TOKEN: Final = re.compile(r"[A-Za-z0-9_-]{32,128}")
_CONTEXT: Final = b"assent.local-sign-in.cookie.v1"


class LocalToken:
    """The token that a gateway was started with."""

    def __init__(self, token: str) -> None:
        """Raises ValueError for what could be guessed."""
        if not _TOKEN.fullmatch(token):
            raise ValueError("it is not 32 to 128 of the characters A-Z, a-z, 0-9, _ and -")
        self._token = token.encode()
        self.kept: Final = to_base64url(hmac.digest(self._token, _CONTEXT, hashlib.sha256))
        """What a browser keeps that has shown the token: not the token itself, and worthless after it."""

    def __repr__(self) -> str:
        """Without the secret."""
        return "LocalToken()"

    def is_token(self, sent: str) -> bool:
        """Whether this is the token."""
        return hmac.compare_digest(sent.encode(), self._token)

    def is_kept(self, cookie: str | None) -> bool:
        """Whether a browser with this cookie has shown the token."""
        return cookie is not None and hmac.compare_digest(cookie.encode(), self.kept.encode())


def read_local_token(settings: GatewaySettings) -> LocalToken | None:
    """The token of local sign-in, where that is switched on. Raises SettingsError, without the token."""
    path = settings.local_sign_in
    if path is None:
        return None
    try:
        return LocalToken(path.read_text(encoding="utf-8").strip())
    except UnicodeDecodeError as error:
        raise SettingsError("ASSENT_LOCAL_SIGN_IN_FILE is not text.") from error
    except OSError as error:
        raise SettingsError(f"ASSENT_LOCAL_SIGN_IN_FILE cannot be read: {error}") from error
    except ValueError as error:
        raise SettingsError(f"ASSENT_LOCAL_SIGN_IN_FILE holds no token: {error}.") from error
