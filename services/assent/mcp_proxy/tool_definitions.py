"""The tools of a server: which are offered to agents, and whether one is still what people saw. Pure."""

import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any, Final

import msgspec

from assent_contracts.digests import sha256_hex

TOOLS_MAX: Final = 500
DEFINITION_MAX_BYTES: Final = 64 * 1024
_NAME: Final = re.compile(r"[A-Za-z0-9._-]{1,128}")


class OfferedTools(msgspec.Struct, frozen=True):
    """The tools of a server that agents can see and call."""

    by_name: dict[str, dict[str, Any]]
    """Their definitions, JSON."""
    left_out: tuple[str, ...]
    """Why others are not offered, one sentence each."""

    def digest(self, name: str) -> str | None:
        """SHA-256 (hex) of a tool's definition; None if it is not offered."""
        definition = self.by_name.get(name)
        return None if definition is None else definition_digest(definition)


def is_tool_name(name: str) -> bool:
    """Whether a name can name a tool: 1 to 128 of A-Z, a-z, 0-9, `.`, `_` and `-`."""
    return _NAME.fullmatch(name) is not None


def offered(tools: Iterable[dict[str, Any]]) -> OfferedTools:
    """The tools that are offered, of the definitions that a server lists.

    A name that is listed twice is not offered: people could approve one tool, and the server call the other.
    """
    listed = list(tools)
    times = Counter(str(each.get("name")) for each in listed)
    by_name: dict[str, dict[str, Any]] = {}
    left_out: list[str] = []
    for each in listed:
        name = str(each.get("name"))
        if not is_tool_name(name):
            left_out.append(f"{name[:128]!r} is not a name of a tool.")
        elif times[name] > 1:
            left_out.append(f"{name} is listed {times[name]} times.")
        elif len(_normal(each)) > DEFINITION_MAX_BYTES:
            left_out.append(f"{name} has a definition of more than {DEFINITION_MAX_BYTES:,} bytes.")
        elif len(by_name) >= TOOLS_MAX:
            left_out.append(f"{name} is not among the first {TOOLS_MAX}.")
        else:
            by_name[name] = each
    return OfferedTools(by_name, tuple(dict.fromkeys(left_out)))


def definition_digest(definition: Mapping[str, Any]) -> str:
    """SHA-256 (hex) of all that a definition states, but for `_meta`, which may differ at each listing."""
    return sha256_hex(_normal(definition))


def _normal(definition: Mapping[str, Any]) -> bytes:
    kept = {name: value for name, value in definition.items() if name != "_meta"}
    return json.dumps(kept, sort_keys=True, separators=(",", ":")).encode()
