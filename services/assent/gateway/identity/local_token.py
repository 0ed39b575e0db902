"""The token of local sign-in: only those who have it can sign in, as any of the demo's people.

`make run` and `assent up` create one at each start and print it as a link. It can be used repeatedly while
they run, because several of the demo's people sign in, each in their own window. It is invalid once they
stop.
"""

import hashlib
import hmac
import re
from typing import Final

from assent.gateway.gateway_settings import GatewaySettings
from assent.process_settings import SettingsError, read_secret_file
from assent_contracts.digests import to_base64url

COOKIE: Final = "assent-local"
PATH: Final = "/sign-in/local"
_TOKEN: Final = re.compile(r"[A-Za-z0-9_-]{32,128}")
_CONTEXT: Final = b"assent.local-sign-in.cookie.v1"


class LocalToken:
    """The token with which a gateway was started."""

    def __init__(self, token: str) -> None:
        """Raises ValueError for a token that could be guessed."""
        if not _TOKEN.fullmatch(token):
            raise ValueError("it is not 32 to 128 of the characters A-Z, a-z, 0-9, _ and -")
        self._token = token.encode()
        self.kept: Final = to_base64url(hmac.digest(self._token, _CONTEXT, hashlib.sha256))
        """The cookie of a browser that presented the token. It is not the token, and is worthless without
        it."""

    def __repr__(self) -> str:
        """Without the secret."""
        return "LocalToken()"

    def is_token(self, sent: str) -> bool:
        """Whether `sent` is the token."""
        return hmac.compare_digest(sent.encode(), self._token)

    def is_kept(self, cookie: str | None) -> bool:
        """Whether a browser with this cookie presented the token."""
        return cookie is not None and hmac.compare_digest(cookie.encode(), self.kept.encode())


def read_local_token(settings: GatewaySettings) -> LocalToken | None:
    """The token of local sign-in, if that is enabled. Raises SettingsError, without the token."""
    path = settings.local_sign_in
    if path is None:
        return None
    try:
        return LocalToken(read_secret_file(path, "ASSENT_LOCAL_SIGN_IN_FILE"))
    except ValueError as error:
        raise SettingsError(f"ASSENT_LOCAL_SIGN_IN_FILE does not contain a token: {error}.") from error
