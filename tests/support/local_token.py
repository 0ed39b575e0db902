"""The token of local sign-in with which every gateway of the tests is started."""

import atexit
import os
import secrets
import tempfile
from functools import cache
from pathlib import Path
from typing import Final

from assent.gateway.identity.local_token import PATH, LocalToken

# Through the environment, so that processes which the tests start know it too.
TOKEN: Final = os.environ.setdefault("ASSENT_TEST_LOCAL_TOKEN", secrets.token_urlsafe(32))
LINK: Final = f"{PATH}?token={TOKEN}"
"""What the terminal shows, below a gateway's address."""
KEPT: Final = LocalToken(TOKEN).kept
"""The cookie of a browser that has opened the link."""


@cache
def token_file() -> Path:
    """A file with the token, until this process ends."""
    descriptor, name = tempfile.mkstemp(prefix="assent-local-sign-in-")
    with os.fdopen(descriptor, "w") as file:
        file.write(TOKEN + "\n")
    path = Path(name)
    atexit.register(path.unlink, missing_ok=True)
    return path
