"""The commands that were decided, for as long as a copy of one could still arrive and be decided again."""

import heapq
from collections import deque
from sys import intern

import msgspec

from assent_contracts.limits import COMMAND_MAX_AGE_MS, COMMAND_MEMORY_MS

_NOTHING: dict[str, "Remembered"] = {}


class Remembered(msgspec.Struct, frozen=True, gc=False):
    """A principal's command that was decided, at `seq`, for the bytes with this SHA-256."""

    principal: str
    command_id: str
    seq: int
    value_sha256: bytes
    until: int
    """Log time (ms) up to which a copy of the command could still be decided."""


class CommandMemory:
    """By principal: nobody takes an id from somebody else."""

    def __init__(self) -> None:
        self._commands: dict[str, dict[str, Remembered]] = {}
        self._in_order: deque[Remembered] = deque()
        self._ahead: list[tuple[int, int, Remembered]] = []

    def recall(self, principal: str, command_id: str) -> Remembered | None:
        """The decision that took this id of the principal's, as long as it is remembered."""
        return self._commands.get(principal, _NOTHING).get(command_id)

    def remember(
        self, principal: str, command_id: str, *, dated: int, seq: int, at: int, value_sha256: bytes
    ) -> None:
        """Keep the id of a command that passed the signature check; `dated` is the command's own time, ms."""
        usual = at + COMMAND_MEMORY_MS
        until = max(usual, dated + COMMAND_MAX_AGE_MS)
        remembered = Remembered(intern(principal), command_id, seq, value_sha256, until)
        self._commands.setdefault(principal, {})[command_id] = remembered
        if until == usual:
            self._in_order.append(remembered)
        else:
            # Dated so far ahead that it was refused: its time will come, but it is not to be decided again.
            heapq.heappush(self._ahead, (until, seq, remembered))

    def forget(self, at: int) -> None:
        """Let go of what log time `at` (ms) has made too old to come again."""
        order, ahead = self._in_order, self._ahead
        while order and order[0].until < at:
            self._drop(order.popleft())
        while ahead and ahead[0][0] < at:
            self._drop(heapq.heappop(ahead)[2])

    def _drop(self, remembered: Remembered) -> None:
        of_principal = self._commands[remembered.principal]
        del of_principal[remembered.command_id]
        if not of_principal:
            del self._commands[remembered.principal]
