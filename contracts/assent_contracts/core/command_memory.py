"""The decided commands, for as long as a copy of one could still arrive and be decided again.

It also counts how many commands each principal has sent in this minute. So one account's share of a writer's
memory and of the ledger is bounded.
"""

from collections import deque
from itertools import chain
from sys import intern
from typing import Self

import msgspec

from assent_contracts.core.forgotten_dates import ForgottenDates
from assent_contracts.core.retention import RetentionQueue
from assent_contracts.limits import COMMAND_MAX_AHEAD_MS, COMMAND_MEMORY_MS, RATE_WINDOW_MS

_NOTHING: dict[str, "Remembered"] = {}


class Remembered(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """A principal's command that was decided at `seq`. Its bytes have this SHA-256."""

    principal: str
    command_id: str
    seq: int
    value_sha256: bytes
    dated: int
    """The command's own time, ms."""
    until: int
    """The log time (ms) up to which it is remembered."""


class MemoryContent(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """All that a `CommandMemory` holds, for a snapshot."""

    commands: dict[str, list[Remembered]]
    order: list[list[int]]
    """The stretches of the queue: each command by its number in `commands`, counted through."""
    ahead: dict[str, list[str]]
    minute: int
    sent: dict[str, int]
    copied: dict[str, int]
    forgotten: ForgottenDates


class CommandMemory:
    """Remembered commands by principal, so that no principal uses up another one's ids or quota."""

    def __init__(self) -> None:
        self.forgotten = ForgottenDates()
        """The dates of commands whose ids are forgotten. A command with such a date may be a copy.

        It is refused whatever log time has done since. So no copy is ever decided again.
        """
        self._commands: dict[str, dict[str, Remembered]] = {}
        self._in_order: RetentionQueue[Remembered] = RetentionQueue()
        self._ahead: dict[str, set[str]] = {}
        """By principal, the ids of commands with a future date from a wrong clock. They count in no quota."""
        self._minute = -1
        self._sent: dict[str, int] = {}
        """How many commands of each principal the ledger has kept in this minute."""
        self._copied: dict[str, int] = {}
        """The same for copies, which anyone can send."""

    def recall(self, principal: str, command_id: str) -> Remembered | None:
        """The decision that used this id of the principal's, as long as it is remembered."""
        return self._commands.get(principal, _NOTHING).get(command_id)

    def remember(
        self, principal: str, command_id: str, *, dated: int, seq: int, at: int, value_sha256: bytes
    ) -> None:
        """Remember the id of a command dated `dated` (ms), decided at `seq` and log time `at` (ms)."""
        # Only the founding and the recovery can have later dates, because those are not checked.
        dated = min(dated, at + COMMAND_MAX_AHEAD_MS)
        remembered = Remembered(
            intern(principal), command_id, seq, value_sha256, dated, at + COMMAND_MEMORY_MS
        )
        self._commands.setdefault(principal, {})[command_id] = remembered
        self._in_order.add(remembered)

    def remembered(self, principal: str) -> int:
        """How many ids of the principal's are remembered, except future-dated ones from a wrong clock."""
        return len(self._commands.get(principal, _NOTHING)) - len(self._ahead.get(principal, ()))

    def has_room(self, principal: str, at: int, *, sent: int, remembered: int) -> bool:
        """Whether one more command is surely within both limits at log time `at` (ms). A quick check."""
        if len(self._commands.get(principal, _NOTHING)) >= remembered:
            return False
        return at // RATE_WINDOW_MS != self._minute or self._sent.get(principal, 0) < sent

    def next_forgotten(self, principal: str) -> int:
        """The log time (ms) from which the principal has one remembered id less. It must have one."""
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
        """Whether the id of a command with the date `dated` (ms) may be forgotten."""
        return dated in self.forgotten

    def forget(self, at: int) -> None:
        """Forget the commands whose copies would be stale at log time `at` (ms)."""
        for remembered in self._in_order.let_go(at):
            self.forgotten.add(remembered.dated)
            self._not_ahead(remembered)
            of_principal = self._commands[remembered.principal]
            del of_principal[remembered.command_id]
            if not of_principal:
                del self._commands[remembered.principal]

    def set_back(self, at: int) -> None:
        """Set log time back to `at` (ms), so that nothing is remembered for longer than it would be from
        there.

        Commands with a date ahead of it are an exception, because a copy could be decided once that date has
        come.
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

    def content(self) -> MemoryContent:
        """What `of` needs to make an equal memory. It is shared with this one, so encode it at once."""
        commands = {principal: list(known.values()) for principal, known in self._commands.items()}
        numbers = {id(each): number for number, each in enumerate(chain.from_iterable(commands.values()))}
        return MemoryContent(
            commands,
            [[numbers[id(each)] for each in stretch] for stretch in self._in_order.stretches],
            {principal: sorted(ids) for principal, ids in self._ahead.items()},
            self._minute,
            self._sent,
            self._copied,
            self.forgotten,
        )

    @classmethod
    def of(cls, content: MemoryContent) -> Self:
        """The memory with this content, which it takes over. Raises IndexError for a contradictory one."""
        made = cls()
        every = list(chain.from_iterable(content.commands.values()))
        made._commands = {
            intern(principal): {each.command_id: each for each in known}
            for principal, known in content.commands.items()
        }
        stretches = [deque(every[number] for number in stretch) for stretch in content.order]
        made._in_order = RetentionQueue(stretches or [deque()])
        made._ahead = {principal: set(ids) for principal, ids in content.ahead.items()}
        made._minute = content.minute
        made._sent, made._copied = content.sent, content.copied
        made.forgotten = content.forgotten
        return made
