"""What commands print, for people or (with --json) for scripts, and how they exit."""

import sys
from typing import NoReturn

import msgspec
from rich.console import Console

from assent_contracts.client.publisher import Decided, repeats
from assent_contracts.commands import command_type
from assent_contracts.refusals import WHAT_TO_DO

DECIDED, FAILED, REFUSED, NOT_DECIDED = 0, 1, 2, 3
"""Exit codes: a decision, a failure before one, a refusal, no decision in time."""

out = Console(highlight=False, soft_wrap=True)
err = Console(stderr=True, highlight=False, soft_wrap=True)


def print_json(value: object) -> None:
    """One JSON document on standard output."""
    sys.stdout.write(msgspec.json.format(msgspec.json.encode(value), indent=2).decode() + "\n")


def print_json_line(value: object) -> None:
    """One line of JSON on standard output: for streams."""
    sys.stdout.write(msgspec.json.encode(value).decode() + "\n")
    sys.stdout.flush()


def tell(line: str) -> None:
    """Progress, for people: on standard error, so that it is never in a script's way."""
    err.print(line, style="dim", markup=False)


def fail(message: str, code: int = FAILED) -> NoReturn:
    """Say what is wrong and what to do, and exit."""
    err.print(message, style="red", markup=False)
    sys.exit(code)


def finish(decided: Decided, done: str, *, as_json: bool) -> NoReturn:
    """Print a decision and exit with its code. `done`: what an acceptance means, for people."""
    if as_json:
        print_json(_document(decided))
    elif decided.refusal is not None:
        refusal = decided.refusal
        err.print(f"Refused: {refusal.code}", style="bold red", markup=False)
        err.print(refusal.detail, markup=False)
        err.print(WHAT_TO_DO[refusal.code], markup=False)
    elif (first := repeats(decided)) is not None:
        out.print(f"Decided before, at seq {first} of partition {decided.partition}.", markup=False)
    else:
        out.print(f"{done}  (ledger {decided.partition}/{decided.seq})", markup=False)
    sys.exit(DECIDED if decided.refusal is None else REFUSED)


def _document(decided: Decided) -> dict[str, object]:
    document: dict[str, object] = {
        "partition": decided.partition,
        "seq": decided.seq,
        "at": decided.at,
        "events": [{"type": command_type(event), **_fields(event)} for event in decided.events],
    }
    if decided.refusal is not None:
        document["refusal"] = decided.refusal
        document["what_to_do"] = WHAT_TO_DO[decided.refusal.code]
    return document


def _fields(event: msgspec.Struct) -> dict[str, object]:
    return {name: getattr(event, name) for name in event.__struct_fields__}
