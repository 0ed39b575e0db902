"""The commands that were decided, for as long as a copy of one could still arrive and be decided again.

And how many each principal has sent in this minute: what one account can take of a writer's memory, and of
the ledger, is bounded.
"""

from sys import intern

import msgspec

from assent_contracts.core.forgotten_dates import ForgottenDates
from assent_contracts.core.retention import RetentionQueue
from assent_contracts.limits import COMMAND_MAX_AHEAD_MS, COMMAND_MEMORY_MS, RATE_WINDOW_MS

_NOTHING: dict[str, "Remembered"] = {}


class Remembered(msgspec.Struct, frozen=True, gc=False):
    """A principal's command that was decided, at `seq`, for the bytes with this SHA-256."""

    principal: str
    command_id: str
    seq: int
    value_sha256: bytes
    dated: int
    """The command's own time, ms."""
    until: int
    """Log time (ms) up to which it is remembered."""


class CommandMemory:
    """By principal: nobody takes an id, or a share, from somebody else."""

    def __init__(self) -> None:
        self.forgotten = ForgottenDates()
        """Of commands whose ids were let go. What is dated so may be a copy.

        It is refused, whatever log time has done meanwhile: so no copy is ever decided again.
        """
        self._commands: dict[str, dict[str, Remembered]] = {}
        self._in_order: RetentionQueue[Remembered] = RetentionQueue()
        self._ahead: dict[str, set[str]] = {}
        """By principal: ids of commands that a wrong clock has dated ahead. They count in nobody's share."""
        self._minute = -1
        self._sent: dict[str, int] = {}
        """Of the commands of this minute: how many each principal has sent, and the ledger keeps."""
        self._copied: dict[str, int] = {}
        """The same of copies, which anybody can send."""

    def recall(self, principal: str, command_id: str) -> Remembered | None:
        """The decision that took this id of the principal's, as long as it is remembered."""
        return self._commands.get(principal, _NOTHING).get(command_id)

    def remember(
        self, principal: str, command_id: str, *, dated: int, seq: int, at: int, value_sha256: bytes
    ) -> None:
        """Keep the id of a command of the date `dated` (ms), decided at `seq` and log time `at` (ms)."""
        # Only what nobody asks the date of, the founding and the recovery, is dated further ahead.
        dated = min(dated, at + COMMAND_MAX_AHEAD_MS)
        remembered = Remembered(
            intern(principal), command_id, seq, value_sha256, dated, at + COMMAND_MEMORY_MS
        )
        self._commands.setdefault(principal, {})[command_id] = remembered
        self._in_order.add(remembered)

    def remembered(self, principal: str) -> int:
        """How many ids of the principal's are remembered, without what a wrong clock has dated ahead."""
        return len(self._commands.get(principal, _NOTHING)) - len(self._ahead.get(principal, ()))

    def has_room(self, principal: str, at: int, *, sent: int, remembered: int) -> bool:
        """Whether one command more is within both limits at log time `at` (ms), without a closer look."""
        if len(self._commands.get(principal, _NOTHING)) >= remembered:
            return False
        return at // RATE_WINDOW_MS != self._minute or self._sent.get(principal, 0) < sent

    def next_forgotten(self, principal: str) -> int:
        """Log time (ms) from which on the principal has an id less, of which one must be remembered."""
        ahead = self._ahead.get(principal, ())
        remembered = self._commands[principal].values()
        return 1 + next(each.until for each in remembered if each.command_id not in ahead)

    def count(self, principal: str, at: int, *, copy: bool) -> None:
        """Count a command of the principal's that the ledger keeps, or a copy, at log time `at` (ms)."""
        minute = at // RATE_WINDOW_MS
        if minute != self._minute:
            self._minute = minute
            self._sent.clear()
            self._copied.clear()
        counted = self._copied if copy else self._sent
        counted[principal] = counted.get(principal, 0) + 1

    def sent(self, principal: str, at: int) -> int:
        """How many commands of the principal's were counted in the minute of log time `at` (ms)."""
        return self._sent.get(principal, 0) if at // RATE_WINDOW_MS == self._minute else 0

    def copied(self, principal: str, at: int) -> int:
        """How many copies of commands of the principal's were counted in that minute."""
        return self._copied.get(principal, 0) if at // RATE_WINDOW_MS == self._minute else 0

    def has_forgotten(self, dated: int) -> bool:
        """Whether an id of a command of the date `dated` (ms) may have been let go."""
        return dated in self.forgotten

    def forget(self, at: int) -> None:
        """Let go of what log time `at` (ms) has made too old to come again."""
        for remembered in self._in_order.let_go(at):
            self.forgotten.add(remembered.dated)
            self._not_ahead(remembered)
            of_principal = self._commands[remembered.principal]
            del of_principal[remembered.command_id]
            if not of_principal:
                del self._commands[remembered.principal]

    def set_back(self, at: int) -> None:
        """Log time was set back to `at` (ms): nothing is remembered for longer because of what it was before.

        What is dated ahead of it is an exception: a copy could be decided once its date has come.
        """
        until, dated_max = at + COMMAND_MEMORY_MS, at + COMMAND_MAX_AHEAD_MS
        before, ahead = list(self._in_order), list[Remembered]()
        self._in_order = RetentionQueue()
        for remembered in before:
            if remembered.dated > dated_max:
                ahead.append(remembered)
                continue
            it = msgspec.structs.replace(remembered, until=min(remembered.until, until))
            self._commands[it.principal][it.command_id] = it
            self._in_order.add(it)
            self._not_ahead(it)
        for remembered in ahead:
            self._ahead.setdefault(remembered.principal, set()).add(remembered.command_id)
            self._in_order.add(remembered)

    def _not_ahead(self, remembered: Remembered) -> None:
        ids = self._ahead.get(remembered.principal)
        if ids is not None:
            ids.discard(remembered.command_id)
            if not ids:
                del self._ahead[remembered.principal]
