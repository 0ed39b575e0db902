"""How much one principal can send: commands in a minute, and ids that are remembered at the same time.

Both limits are in the settings and hold by log time, in each partition of a ledger. So a writer that takes
over and a verifier get the same answer. A command that is refused for them is recorded by hash and size, and
does not count.
"""

from assent_contracts.core.command_memory import CommandMemory
from assent_contracts.core.governance.number_words import moment
from assent_contracts.governance_objects import Settings
from assent_contracts.limits import COPIES_PER_MINUTE, RATE_WINDOW_MS
from assent_contracts.refusals import Refusal, RefusalCode


def too_many(memory: CommandMemory, settings: Settings, principal: str, at: int) -> Refusal | None:
    """The refusal of one more command that is not a copy, at log time `at` (ms)."""
    sent, remembered = settings.commands_per_minute, settings.remembered_commands
    if memory.has_room(principal, at, sent=sent, remembered=remembered):
        return None
    return too_many_sent(memory, settings, principal, at) or too_many_remembered(
        memory, settings, principal, at
    )


def too_many_sent(memory: CommandMemory, settings: Settings, principal: str, at: int) -> Refusal | None:
    """The refusal of one more command of any kind in the minute of log time `at` (ms)."""
    most = settings.commands_per_minute
    if memory.sent(principal, at) < most:
        return None
    return _again(
        _next_minute(at), f"{principal} has sent {most:,} commands to this partition within a minute."
    )


def too_many_copies(memory: CommandMemory, settings: Settings, principal: str, at: int) -> Refusal | None:
    """The refusal of one more copy of a command of the principal's, in the minute of log time `at` (ms).

    Anyone who reads a signed command can send it again. So copies have their own limit, and do not use up the
    principal's.
    """
    most = min(settings.commands_per_minute, COPIES_PER_MINUTE)
    if memory.copied(principal, at) < most:
        return None
    return _again(_next_minute(at), f"{most:,} copies of commands of {principal} came here within a minute.")


def too_many_remembered(memory: CommandMemory, settings: Settings, principal: str, at: int) -> Refusal | None:
    """The refusal of one more command whose id would be remembered, at log time `at` (ms)."""
    most = settings.remembered_commands
    # The command's own record makes the memory forget what has expired, including the oldest id if it is due.
    if memory.remembered(principal) < most or memory.next_forgotten(principal) <= at:
        return None
    # Rounded up to a full minute, so that the text and the field state the same time.
    again_at = -(-memory.next_forgotten(principal) // RATE_WINDOW_MS) * RATE_WINDOW_MS
    return _again(again_at, f"{principal} has {most:,} commands of the last 24 hours in this partition.")


def _next_minute(at: int) -> int:
    return (at // RATE_WINDOW_MS + 1) * RATE_WINDOW_MS


def _again(again_at: int, why: str) -> Refusal:
    detail = f"{why} Send it again from {moment(again_at)} on."
    return Refusal(code=RefusalCode.TOO_MANY_COMMANDS, detail=detail, again_at=again_at)
