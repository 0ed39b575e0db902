"""From a received command to its decision: who sent it, whether it came before, then its rule.

The decider runs this once for each command; `assent audit verify` runs it again over the ledger.
"""

from assent.core.governance.state import Governance, Key
from assent.core.requests.book import Book, Remembered
from assent.core.requests.context import Context, refuse
from assent.core.requests.decide import Decision, decide
from assent.core.requests.receive import Received
from assent_contracts import limits
from assent_contracts.commands import Command
from assent_contracts.events import CommandRepeated
from assent_contracts.refusals import Refusal, RefusalCode

UNAUTHENTICATED = frozenset({RefusalCode.UNKNOWN_KEY, RefusalCode.BAD_SIGNATURE})
"""Refusals of commands that nobody is known to have sent: their ids are not remembered."""
_TAKES_NO_ID = UNAUTHENTICATED | {RefusalCode.ID_REUSED}


def judge(
    book: Book, received: Received, *, signature_good: bool, seq: int, at: int, governance: Governance
) -> Decision:
    """Decide one command that will stand at `seq`, at log time `at` (ms)."""
    command = received.command
    key = governance.keys.get(received.key_id)
    sender = _sender_refusal(command, received, key, at, signature_good=signature_good)
    if sender is not None or key is None:
        return sender or refuse(RefusalCode.UNKNOWN_KEY, "This key is not registered.")
    before = book.recall(command.principal, command.id)
    if before is not None:
        return _again(before, received)
    age_ms = at - command.at
    if age_ms > limits.COMMAND_MAX_AGE_MS or -age_ms > limits.COMMAND_MAX_AHEAD_MS:
        return refuse(RefusalCode.STALE, f"The command's time is {_away(age_ms)} log time.")
    principal = governance.principals[key.principal]
    if not principal.enabled:
        return refuse(RefusalCode.NOT_PERMITTED, f"{command.principal} is disabled.")
    context = Context(book.partition, seq, at, governance, principal)
    return decide(book, command, context)


def keep(book: Book, received: Received, decision: Decision, *, seq: int, at: int) -> None:
    """Move the book past a decision."""
    if isinstance(decision, Refusal):
        events, takes_its_id = (), decision.code not in _TAKES_NO_ID
    else:
        events, takes_its_id = decision, not (decision and isinstance(decision[0], CommandRepeated))
    if takes_its_id:
        command, sha256 = received.command, received.value_sha256
        book.remember(command.principal, command.id, dated=command.at, seq=seq, at=at, value_sha256=sha256)
    book.record(seq, at, events)


def _sender_refusal(
    command: Command, received: Received, key: Key | None, at: int, *, signature_good: bool
) -> Refusal | None:
    if not received.signature:
        return refuse(RefusalCode.BAD_SIGNATURE, "The command carries no signature.")
    if key is None:
        return refuse(RefusalCode.UNKNOWN_KEY, "This key is not registered.")
    if not signature_good:
        return refuse(RefusalCode.BAD_SIGNATURE, "The signature is not this key's over these bytes.")
    if key.principal != command.principal:
        return refuse(RefusalCode.UNKNOWN_KEY, f"This key does not belong to {command.principal}.")
    if not key.not_before <= at < key.not_after:
        return refuse(RefusalCode.UNKNOWN_KEY, "This key is not valid at this time.")
    return None


def _again(before: Remembered, received: Received) -> Decision:
    if before.value_sha256 == received.value_sha256:
        return (CommandRepeated(decided=before.seq),)
    return Refusal(
        code=RefusalCode.ID_REUSED,
        detail=f"The command id stands for other bytes, decided at seq {before.seq}.",
        decided=before.seq,
    )


def _away(age_ms: int) -> str:
    return f"{age_ms / 1_000:,.0f} s behind" if age_ms >= 0 else f"{-age_ms / 1_000:,.0f} s ahead of"
