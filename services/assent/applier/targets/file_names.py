"""An object's id as a file name: injective, safe on any file system, and readable for ordinary ids. Pure.

`hardening/disable-smb1.ps1` becomes `hardening%2Fdisable-smb1.ps1`. The slash does not become a folder.
An id `a` and an id `a/b` can both exist, and nothing below the type's folder has to be walked or trusted.
"""

import hashlib
import re
from typing import Final

NAME_MAX_BYTES: Final = 240
"""Below the limit of 255 of common file systems, so that a temporary name fits too."""
TEMPORARY_PREFIX: Final = ".new-"
"""No encoded name begins with a dot."""
_LONG: Final = "~"
"""Precedes the hash of an id that is too long, and is nowhere else in an encoded name."""
_SAFE: Final = frozenset(b"abcdefghijklmnopqrstuvwxyz0123456789-_.")
_UPPER: Final = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ")
_RESERVED = re.compile(r"(con|prn|aux|nul|com[0-9]|lpt[0-9])(\.|$)", re.IGNORECASE)
"""Device names on Windows, whatever follows the first dot."""


def file_name(name: str, *, case_matters: bool = True) -> str:
    """The file name of a resource id or a resource type (in NFC).

    Two names never share a file name. Pass `case_matters=False` where the file system treats `A` and `a`
    as the same. Capitals are then written as `%41`.
    """
    safe = _SAFE | _UPPER if case_matters else _SAFE
    encoded = "".join(chr(byte) if byte in safe else f"%{byte:02X}" for byte in name.encode())
    # A leading dot hides a file (and `.` and `..` are folders). Windows drops a trailing one.
    if encoded.startswith("."):
        encoded = "%2E" + encoded[1:]
    if encoded.endswith("."):
        encoded = encoded[:-1] + "%2E"
    if _RESERVED.match(encoded):
        encoded = f"%{ord(encoded[0]):02X}" + encoded[1:]
    if len(encoded) <= NAME_MAX_BYTES:
        return encoded
    hashed = hashlib.sha256(name.encode()).hexdigest()
    return encoded[: NAME_MAX_BYTES - len(_LONG) - len(hashed)] + _LONG + hashed


def path_of(folder: str, resource: str) -> str:
    """An object's path below `folder` (with a slash at its end) where a slash in its id separates folders."""
    return folder + "/".join(file_name(part) for part in resource.split("/"))
