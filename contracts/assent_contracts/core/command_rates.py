"""What one principal can send: so many commands a minute, and so many ids that are remembered at a time.

Both by log time, in each partition of a ledger, and from the settings: a writer that takes over, and whoever
verifies, comes to the same answer. What is refused so is recorded by hash and size, and counts for nothing.
"""

from assent_contracts.core.command_memory import CommandMemory
from assent_contracts.core.governance.number_words import moment
from assent_contracts.governance_objects import Settings
from assent_contracts.limits import COPIES_PER_MINUTE, RATE_WINDOW_MS
from assent_contracts.refusals import Refusal, RefusalCode


def too_many(memory: CommandMemory, settings: Settings, principal: str, at: int) -> Refusal | None:
    """The refusal of one command more that is not a copy, at log time `at` (ms)."""
    sent, remembered = settings.commands_per_minute, settings.remembered_commands
    if memory.has_room(principal, at, sent=sent, remembered=remembered):
        return None
    return too_many_sent(memory, settings, principal, at) or too_many_remembered(
        memory, settings, principal, at
    )


def too_many_sent(memory: CommandMemory, settings: Settings, principal: str, at: int) -> Refusal | None:
    """The refusal of one command more in this minute of log time `at` (ms), whatever it says."""
    most = settings.commands_per_minute
    if memory.sent(principal, at) < most:
        return None
    return _again(
        _next_minute(at), f"{principal} has sent {most:,} commands to this partition within a minute."
    )


def too_many_copies(memory: CommandMemory, settings: Settings, principal: str, at: int) -> Refusal | None:
    """The refusal of one copy more of a command of the principal's, in this minute of log time `at` (ms).

    Whoever reads a signed command can send it again. So copies have a number of their own, and take nothing
    of what the principal can send.
    """
    most = min(settings.commands_per_minute, COPIES_PER_MINUTE)
    if memory.copied(principal, at) < most:
        return None
    return _again(_next_minute(at), f"{most:,} copies of commands of {principal} came here within a minute.")


def too_many_remembered(memory: CommandMemory, settings: Settings, principal: str, at: int) -> Refusal | None:
    """The refusal of one command more whose id would be remembered, at log time `at` (ms)."""
    most = settings.remembered_commands
    # The record that a command makes lets go of what log time has passed: of its oldest too, if it is due.
    if memory.remembered(principal) < most or memory.next_forgotten(principal) <= at:
        return None
    # To the full minute: what a sentence names is what the field says.
    again_at = -(-memory.next_forgotten(principal) // RATE_WINDOW_MS) * RATE_WINDOW_MS
    return _again(again_at, f"{principal} has {most:,} commands of the last 24 hours in this partition.")


def _next_minute(at: int) -> int:
    return (at // RATE_WINDOW_MS + 1) * RATE_WINDOW_MS


def _again(again_at: int, why: str) -> Refusal:
    detail = f"{why} Send it again from {moment(again_at)} on."
    return Refusal(code=RefusalCode.TOO_MANY_COMMANDS, detail=detail, again_at=again_at)
