"""Names of objects, requests and operations: their form and their parts.

An object is written `<type>/<id>`. That text is also its Kafka key.
"""

import re
import unicodedata
from functools import lru_cache
from typing import Final

from assent_contracts.characters import is_id_text
from assent_contracts.limits import RESOURCE_ID_MAX_CHARS

RESOURCE_TYPE_PATTERN: Final = r"[a-z][a-z0-9-]{0,63}"
OPERATION_PATTERN: Final = RESOURCE_TYPE_PATTERN
REQUEST_ID_PATTERN: Final = r"(0|[1-9][0-9]{0,3})-(0|[1-9][0-9]{0,17})"

_NAME = re.compile(RESOURCE_TYPE_PATTERN)
_REQUEST_ID = re.compile(REQUEST_ID_PATTERN)


@lru_cache(maxsize=4_096)
def is_type_name(name: str) -> bool:
    """Whether `name` can name a resource type or an operation (R15: any operation, not a fixed list)."""
    return _NAME.fullmatch(name) is not None


def has_control_characters(text: str, allowed: str = "") -> bool:
    """Whether `text` has a character of the Unicode category Cc that is not in `allowed`."""
    if text.isprintable():
        return False
    return any(unicodedata.category(char) == "Cc" and char not in allowed for char in text)


@lru_cache(maxsize=4_096)
def is_resource(resource: str) -> bool:
    """Whether `resource` is a well-formed `<type>/<id>`.

    The id is 1 to 256 visible characters in NFC, without a space around them.
    """
    # Without a slash the id is empty, which is not allowed.
    kind, _, name = resource.partition("/")
    return 0 < len(name) <= RESOURCE_ID_MAX_CHARS and is_type_name(kind) and is_id_text(name)


def resource_type(resource: str) -> str:
    """The type of a `<type>/<id>`. Of any other text, which only a stolen writer key can seal, all of it."""
    return resource.partition("/")[0]


def request_id(partition: int, seq: int) -> str:
    """The id of the request whose submission is at `seq` of the ledger partition `partition`.

    No sender chooses it, so it is unique without a check in other partitions.
    """
    return f"{partition}-{seq}"


@lru_cache(maxsize=4_096)
def parse_request_id(text: str) -> tuple[int, int] | None:
    """(partition, seq) of a request id, or None if it is not one."""
    if _REQUEST_ID.fullmatch(text) is None:
        return None
    partition, _, seq = text.partition("-")
    return int(partition), int(seq)
