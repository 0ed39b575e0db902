"""One check of `assent doctor`."""

import msgspec


class Check(msgspec.Struct, frozen=True):
    """One thing that was checked."""

    ok: bool
    what: str
    remedy: str = ""
    """What to do about it; may be empty where it is ok."""
    why: str = ""
    """Why it is not ok, where the remedy does not state it."""
    service: str = ""
    """The service that it is about, if any."""
    fault: str = ""
    """The fault, if it is one of the log itself: `assent.ledger/3 cut`. No two checks have the same."""
    follows_from: str = ""
    """The `fault` of another check because of which this one fails."""
