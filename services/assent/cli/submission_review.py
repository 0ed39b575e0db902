"""R23: show the submission that a decision names, and ask, before anything is signed."""

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
from assent.reading.detail_facts import detail_facts, version_facts
from assent.reading.proven_submission import ProvenSubmission
from assent.reading.visible_text import visible
from assent_contracts.proof import NotProven
from assent_contracts.refusals import WHAT_TO_DO, Refusal, RefusalCode

Verb = Literal["Approve", "Reject", "Complete"]
_UNSEALED: Final = (
    "Its place in the ledger could not be proven to you, because you may not see the records beside it."
    " Its sender's signature is valid, and a decision on another request's submission would be refused."
)


class ReviewOptions(msgspec.Struct, frozen=True, kw_only=True):
    """How the caller knows what they decide on: they look at it, name its hash, or skip that (`yes`)."""

    verb: Verb
    yes: bool
    submission: str | None

    @property
    def asks(self) -> bool:
        """Whether a person must look at it."""
        return not self.yes and self.submission is None


def refuse_unseen(review: ReviewOptions, options: Options) -> None:
    """Exit, before anything is read, where the question could not be answered."""
    if review.asks and (options.json or not sys.stdin.isatty()):
        output.fail(
            f"Nothing was signed. `assent {review.verb.lower()}` shows what was submitted and asks, and"
            " there is no terminal to answer on. Use --submission HASH (`assent show` prints it),"
            " or --yes to decide unseen.",
            output.REFUSED,
        )


def confirm(found: ProvenSubmission, review: ReviewOptions, options: Options) -> None:
    """Return when the caller confirms this submission. Exits otherwise."""
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
    if submitted.details.members is not msgspec.UNSET:
        unseen += f", whose {submitted.details.members:,} objects were shown without their contents"
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
    """Print why nothing is signed, and exit."""
    output.fail(
        f"Nothing was signed: the answer about request {request} is not proven. {why.why}"
        " Either the server is not to be trusted, or --identity is another log's: tell an administrator.",
        output.NOT_DECIDED,
    )


def print_submission(found: ProvenSubmission) -> None:
    """Print everything that the hash covers."""
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
        *detail_facts(submitted.details),
        *version_facts(submitted.newest_version),
        ("submission", submitted.sha256),
        *warnings(submitted.resource, submitted.justification, submitted.details),
    ):
        facts.add_row(Text(name, style="dim"), Text(visible(value)))
    output.print_block(facts)
    output.print_line()
    if found.change is not None:
        output.print_line(found.change.sentence)
        output.print_block(difference_table(found.change.difference))
    else:
        output.print_block(payload_text(bytes(submitted.payload), submitted.resource, submitted.request))
    if submitted.details.members is not msgspec.UNSET:
        output.print_line(
            "THE CONTENTS OF THESE OBJECTS ARE NOT SHOWN: each is in a request of its own, with this digest."
            " The set's page in the console lists them.",
            style="bold yellow",
        )
    if not found.is_sealed:
        output.print_line(_UNSEALED, style="bold yellow")
