"""How the ledger's answers are printed."""

import msgspec

from assent.cli import output
from assent_contracts.client.governance_publisher import GovernanceDecided
from assent_contracts.client.publisher import Decided
from assent_contracts.refusals import Refusal


def print_refusal(
    refusal: Refusal, what_to_do: str, decided: Decided | GovernanceDecided | None, *, as_json: bool
) -> None:
    """A refusal with what can be done about it: of the ledger's, or of what was not even sent."""
    if as_json:
        output.print_json({**document_of(decided), "refusal": refusal, "what_to_do": what_to_do})
        return
    sent = "Refused" if decided is not None else "Not sent, it would be refused"
    output.complain(f"{sent}: {refusal.code}", style="bold red")
    output.complain(refusal.detail, style="default")
    output.complain(what_to_do, style="default")


def document_of(decided: Decided | GovernanceDecided | None) -> dict[str, object]:
    """An answer of the ledger for `--json`; of what was not sent, the same without a place."""
    if decided is None:
        return {"partition": None, "seq": None, "at": None, "events": []}
    return {
        # Governance has one partition, of its own topic.
        "partition": decided.partition if isinstance(decided, Decided) else 0,
        "seq": decided.seq,
        "at": decided.at,
        # As the ledger has them: with their type, and without fields that are not there.
        "events": [msgspec.to_builtins(event) for event in decided.events],
    }
