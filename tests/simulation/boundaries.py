"""Part of the model: where losses were accepted, and which commands count on which side. It uses no rules."""

import hashlib
from typing import Any, NamedTuple

from msgspec import json


class BrokenError(Exception):
    """An invariant does not hold."""


def must(holds: object, what: str) -> None:
    """Raises BrokenError unless it holds."""
    if not holds:
        raise BrokenError(what)


class Boundary(NamedTuple):
    """Where a ledger ended when a loss was accepted."""

    after: int
    """The seq of its last record."""
    appended: list[int]
    """When each command that was decided by then was appended, ms."""
    next_input: int
    """The offset from which commands count after it."""


class Times(NamedTuple):
    """When each command was appended, ms; and the boundaries, each with the commands after it."""

    boundaries: tuple[Boundary, ...]
    appended: list[int]

    def of(self, seq: int) -> list[int]:
        """The times that apply to the record `seq`."""
        return next((each.appended for each in self.boundaries if seq <= each.after), self.appended)

    def input_behind(self, decided: int, seq: int, expected: int) -> int:
        """What the record `seq` decides if the one that decided the last command is `decided`."""
        return _input_behind(self.boundaries, decided, seq, expected)


def _input_behind(boundaries: tuple[Boundary, ...], decided: int, seq: int, expected: int) -> int:
    crossed = [each.next_input for each in boundaries if decided <= each.after < seq]
    return crossed[-1] if crossed else expected


def with_boundary(
    boundaries: tuple[Boundary, ...], after: int, appended: list[int], next_input: int
) -> tuple[Boundary, ...]:
    """One more loss: the ledger ends after the seq `after`, and later records are forgotten."""
    earlier = tuple(each for each in boundaries if each.after < after)
    times = Times(boundaries, appended).of(after)
    return (*earlier, Boundary(after, times, next_input))


def seq_of(values: list[bytes], none: int) -> int:
    """Of the last record; `none` if there is no record."""
    return json.decode(values[-1])["seq"] if values else none


def sha256(value: bytes) -> str:
    """Hex."""
    return hashlib.sha256(value).hexdigest()


def restart(values: list[bytes], commands: list[str], boundaries: tuple[Boundary, ...]) -> int:
    """Where commands count from if these are all records: after the last decided one, if all are there.

    `commands`: the hashes of the existing ones.
    """
    decided: dict[int, str] = {}
    last = -1
    for value in values:
        record = json.decode(value)
        if "input" in record:
            at, last = record["input"], record["seq"]
            # After a loss they count from an earlier one again.
            decided = decided if at - 1 in decided and at not in decided else {}
            decided[at] = _command_of(value, record)
    crossed = [each.next_input for each in boundaries if each.after >= last]
    follows = max(decided, default=-1) + 1
    if crossed and crossed[-1] != follows:
        return crossed[-1] if crossed[-1] <= len(commands) else 0
    there = dict(enumerate(commands))
    return follows if all(there.get(at) == it for at, it in decided.items()) else 0


def _command_of(value: bytes, record: dict[str, Any]) -> str:
    hashed = record["command"].get("sha256")
    if hashed is None:
        start = value.index(b'"command":{"value":') + len(b'"command":{"value":')
        hashed = sha256(whole(value, start))
    return hashed


def whole(value: bytes, start: int) -> bytes:
    """The JSON object that begins at `start`."""
    depth, text, escaped = 0, False, False
    for at in range(start, len(value)):
        byte = value[at]
        if text:
            if escaped:
                escaped = False
            elif byte == 0x5C:
                escaped = True
            elif byte == 0x22:
                text = False
        elif byte == 0x22:
            text = True
        elif byte == 0x7B:
            depth += 1
        elif byte == 0x7D:
            depth -= 1
            if depth == 0:
                return value[start : at + 1]
    raise BrokenError("a record ends inside its command")
