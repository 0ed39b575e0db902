"""What `assent doctor` finds out about one thing."""

import msgspec


class Check(msgspec.Struct, frozen=True):
    """One thing looked at."""

    ok: bool
    what: str
    remedy: str = ""
    """What to do about it; empty where it is well."""
    why: str = ""
    """Why it is not well, where the remedy does not say it."""
    service: str = ""
    """Which service it is of, if it is of one."""
    fault: str = ""
    """What is wrong with the log itself, if it is that: `assent.ledger/3 cut`. No two have the same."""
    follows_from: str = ""
    """The `fault` that this check has come upon, and that another one is first to tell."""
