"""A file with a secret of another system, such as a token. It may have any mode: its platform mounts it."""

from pathlib import Path
from typing import Final

SECRET_MAX_BYTES: Final = 16 * 1024


class SecretFileError(Exception):
    """The file has no secret that can be used. The message names it, and never its content."""


def read_secret_file(path: Path) -> str:
    """The secret, without the line breaks at its end. Raises SecretFileError."""
    try:
        with path.open("rb") as file:
            content = file.read(SECRET_MAX_BYTES + 1)
        secret = content.decode().rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        # Without the error of decoding, which quotes bytes.
        why = getattr(error, "strerror", None) or "it is not text"
        msg = f"{path} cannot be read: {why}."
        raise SecretFileError(msg) from None
    if not secret or len(content) > SECRET_MAX_BYTES:
        msg = f"{path} is empty, or has more than {SECRET_MAX_BYTES:,} bytes."
        raise SecretFileError(msg)
    return secret
