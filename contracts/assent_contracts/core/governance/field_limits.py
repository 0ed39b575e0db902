"""The limits on the fields of a change beyond their types, each with its refusal."""

from assent_contracts import limits
from assent_contracts.access_policies import RESERVED_PREFIX
from assent_contracts.codec import is_identifier
from assent_contracts.core.governance.state import Governance
from assent_contracts.digests import from_base64url
from assent_contracts.governance_changes import DIRECTORY, SETTINGS
from assent_contracts.refusals import Refusal, RefusalCode
from assent_contracts.resources import has_control_characters
from assent_contracts.signing import PUBLIC_KEY_BYTES

_ALWAYS_THERE = frozenset({SETTINGS, DIRECTORY})
"""Objects that always exist, one of each."""


def refuse(code: RefusalCode, detail: str) -> Refusal:
    """A refusal without further fields."""
    return Refusal(code=code, detail=detail)


def bad_id(what: str, name: str) -> Refusal | None:
    """The refusal of an id for a new object; None if it is valid."""
    if is_identifier(name, limits.NAME_MAX_CHARS) and not name.startswith(RESERVED_PREFIX):
        return None
    return refuse(
        RefusalCode.MALFORMED,
        f"{what} {name[: limits.NAME_MAX_CHARS]!r}: an id has 1 to {limits.NAME_MAX_CHARS} printable ASCII"
        f" characters without spaces, and does not begin with {RESERVED_PREFIX}.",
    )


def bad_text(what: str, text: str, max_chars: int, *, allowed: str = "") -> Refusal | None:
    """The refusal of a name or description that is too long, or has control characters."""
    if len(text) > max_chars:
        return refuse(RefusalCode.TOO_LARGE, f"{what} has at most {max_chars:,} characters.")
    if has_control_characters(text, allowed):
        return refuse(RefusalCode.MALFORMED, f"{what} has a control character.")
    return None


def is_public_key(text: str) -> bool:
    """Whether the text is an Ed25519 public key in base64url."""
    try:
        return len(from_base64url(text)) == PUBLIC_KEY_BYTES
    except ValueError:
        return False


def out_of_date(governance: Governance, governed: str, version: int | None) -> Refusal | None:
    """The refusal of a change to an object that has changed since its sender saw it; None if it has not.

    `version` None means that the sender expects no such object.
    """
    current = governance.version(governed)
    if version == current:
        return None
    if current is None:
        return refuse(RefusalCode.UNKNOWN_OBJECT, f"There is no {governed}.")
    if version is None and governed in _ALWAYS_THERE:
        return refuse(RefusalCode.OUTDATED, f"{governed} stands as of seq {current}: say so as its version.")
    if version is None:
        return refuse(RefusalCode.ID_TAKEN, f"There is {governed} already, as of governance seq {current}.")
    return refuse(
        RefusalCode.OUTDATED, f"{governed} has changed since seq {version}: it stands as of seq {current}."
    )


def twice(names: tuple[str, ...]) -> str | None:
    """A name that appears twice; None if there is none."""
    seen: set[str] = set()
    for name in names:
        if name in seen:
            return name
        seen.add(name)
    return None
