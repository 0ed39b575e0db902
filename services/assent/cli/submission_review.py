"""R23: the submission that a decision names is shown and confirmed before anything is signed."""

import sys
from typing import Final, Literal, NoReturn

import msgspec
from rich.table import Table
from rich.text import Text

from assent.cli import output
from assent.cli.decision_output import refuse_unsent
from assent.cli.formatting import lines_not_shown, payload_text
from assent.cli.governance_tables import difference_table
from assent.cli.options import Options
from assent.cli.request_output import warnings
from assent.reading.proven_submission import ProvenSubmission
from assent.reading.visible_text import visible
from assent_contracts.proof import NotProven
from assent_contracts.refusals import WHAT_TO_DO, Refusal, RefusalCode

Verb = Literal["Approve", "Reject", "Complete"]
_UNSEALED: Final = (
    "Its place in the ledger could not be proven to you: the records beside it are not yours to see."
    " Its sender's signature holds, and a decision on another request's submission would be refused."
)


class ReviewOptions(msgspec.Struct, frozen=True, kw_only=True):
    """How the caller knows what they decide on: by a look at it, not at all (`yes`), or by its hash."""

    verb: Verb
    yes: bool
    submission: str | None

    @property
    def asks(self) -> bool:
        """Whether it takes a person who looks at it."""
        return not self.yes and self.submission is None


def refuse_unseen(review: ReviewOptions, options: Options) -> None:
    """End the command, before anything is read, where nobody could answer the question that it would ask."""
    if review.asks and (options.json or not sys.stdin.isatty()):
        output.fail(
            f"Nothing was signed. `assent {review.verb.lower()}` shows what was submitted and asks, and"
            " nobody can answer here. Say --submission HASH (`assent show` prints it),"
            " or --yes to do it unseen.",
            output.REFUSED,
        )


def confirm(found: ProvenSubmission, review: ReviewOptions, options: Options) -> None:
    """Return when the caller means this submission; exits otherwise."""
    submitted = found.submitted
    if review.submission is not None:
        if review.submission != submitted.sha256:
            _fail_other(submitted.sha256, options)
        return
    if review.yes:
        if not found.is_sealed:
            output.print_progress(_UNSEALED)
        return
    print_submission(found)
    output.print_line()
    left = 0 if found.change else lines_not_shown(bytes(submitted.payload), submitted.resource)
    unseen = f", {left:,} lines of which were not shown" if left else ""
    if not _asked(f"{review.verb} request {submitted.request}{unseen}? [y/N] "):
        output.fail("Nothing was signed.")


def _fail_other(sha256: str, options: Options) -> NoReturn:
    refusal = Refusal(
        code=RefusalCode.DIGEST_MISMATCH, detail=f"The request's submission has the SHA-256 {sha256}."
    )
    refuse_unsent(refusal, WHAT_TO_DO[refusal.code], options)


def _asked(question: str) -> bool:
    output.console().print(question, end="", markup=False, soft_wrap=True)
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def fail_unproven(request: str, why: NotProven) -> NoReturn:
    """Exit: nothing is signed."""
    output.fail(
        f"Nothing was signed: what was answered about request {request} is not proven. {why.why}"
        " Either what answered is not to be trusted, or --identity is another log's: tell an administrator.",
        output.NOT_DECIDED,
    )


def print_submission(found: ProvenSubmission) -> None:
    """Everything that the hash covers."""
    submitted = found.submitted
    facts = Table.grid(padding=(0, 2, 0, 0))
    facts.add_column(no_wrap=True)
    facts.add_column(overflow="fold")
    through = f" (signed by {found.through})" if found.through else ""
    for name, value in (
        ("request", submitted.request),
        ("object", submitted.resource),
        ("operation", submitted.operation),
        ("requester", submitted.requester + through),
        *([("on behalf of", submitted.on_behalf_of)] if submitted.on_behalf_of else []),
        ("justification", submitted.justification),
        ("submission", submitted.sha256),
        *warnings(submitted.resource, submitted.justification),
    ):
        facts.add_row(Text(name, style="dim"), Text(visible(value)))
    output.print_block(facts)
    output.print_line()
    if found.change is not None:
        output.print_line(found.change.sentence)
        output.print_block(difference_table(found.change.difference))
    else:
        output.print_block(payload_text(bytes(submitted.payload), submitted.resource, submitted.request))
    if not found.is_sealed:
        output.print_line(_UNSEALED, style="bold yellow")
