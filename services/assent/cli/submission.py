"""R23: the submission that a decision names: proven, shown, and confirmed before anything is signed."""

import asyncio
import sys
from typing import Final, Literal, NoReturn

import msgspec
from aiokafka.errors import KafkaError
from rich.table import Table
from rich.text import Text

from assent.cli import output
from assent.cli.answers import print_refusal
from assent.cli.formatting import lines_not_shown, payload_text
from assent.cli.log_access import LogAccess, Server, Way, following, reading
from assent.cli.options import Options
from assent.cli.showing import warnings
from assent.cli.tables import difference_table
from assent.reading.proven import Evidence, ProvenSubmission, proven_submission
from assent.reading.visible import visible
from assent.store.queries import audit_tail
from assent_contracts.client.keys import verify
from assent_contracts.client.lookup import LedgerLookup
from assent_contracts.proof import NotProven
from assent_contracts.refusals import WHAT_TO_DO, Refusal, RefusalCode
from assent_contracts.resources import parse_request_id
from assent_contracts.topics import LEDGER

Verb = Literal["Approve", "Reject", "Complete"]
_UNSEALED: Final = (
    "Its place in the ledger could not be proven to you: the records beside it are not yours to see."
    " Its sender's signature holds, and a decision on another request's submission would be refused."
)
_AUDITED_WITHIN_S: Final = 5.0
_LOOK_EVERY_S: Final = 0.05


class Naming(msgspec.Struct, frozen=True):
    """How the caller names what they decide on: by a look at it, unseen (`yes`), or by its hash."""

    yes: bool
    submission: str | None

    @property
    def asks(self) -> bool:
        """Whether it takes a person who looks at it."""
        return not self.yes and self.submission is None


def refuse_unseen(naming: Naming, verb: Verb, options: Options) -> None:
    """End the command, before anything is read, where nobody could answer the question that it would ask."""
    if naming.asks and (options.json or not sys.stdin.isatty()):
        output.fail(
            f"Nothing was signed. `assent {verb.lower()}` shows what was submitted and asks, and nobody"
            " can answer here. Say --submission HASH (`assent show` prints it), or --yes to do it unseen.",
            output.REFUSED,
        )


async def proven(to: Way, request: str) -> ProvenSubmission | NotProven:
    """The submission of a request, proven; ends the command when there is no such request."""
    if isinstance(to, Server):
        from assent.cli import server

        evidence = await server.evidence(to, request)
        return proven_submission(evidence, request, await server.governance_ledger(to), verify)
    return await _beside_the_log(to, request)


async def _beside_the_log(to: LogAccess, request: str) -> ProvenSubmission | NotProven:
    place = parse_request_id(request)
    assert place is not None, "the caller has looked it up"
    offset = await _offset(to, *place)
    if offset is None:
        return NotProven("The audit log does not have its submission yet; try again.")
    async with following(to) as follower:
        lookup = LedgerLookup(to.connection, follower, [place[0]])
        await lookup.start()
        try:
            run = await lookup.run_at(*place, offset)
        except (KafkaError, TimeoutError) as error:
            return NotProven(f"The ledger cannot be read: {error or type(error).__name__}.")
        finally:
            await lookup.stop()
        if isinstance(run, NotProven):
            return run
        evidence = Evidence(value=run.values[0], following=run.values[1:], writer=run.writer, seal=run.seal)
        return proven_submission(evidence, request, follower, verify)


async def _offset(to: LogAccess, partition: int, seq: int) -> int | None:
    """Where the audit table has this record. A hint: what is there must prove itself."""
    deadline = asyncio.get_running_loop().time() + _AUDITED_WITHIN_S
    async with reading(to) as db:
        while True:
            rows = await audit_tail(db, {(LEDGER, partition): seq - 1}, 1)
            if rows:
                return rows[0].ledger_offset if rows[0].seq == seq else None
            if asyncio.get_running_loop().time() > deadline:
                return None
            await asyncio.sleep(_LOOK_EVERY_S)


def confirm(found: ProvenSubmission, verb: Verb, naming: Naming, options: Options) -> None:
    """Return when the caller means this submission; ends the command otherwise."""
    submitted = found.submitted
    if naming.submission is not None:
        if naming.submission != submitted.sha256:
            _fail_other(submitted.sha256, options)
        return
    if naming.yes:
        if not found.is_sealed:
            output.tell(_UNSEALED)
        return
    print_submission(found)
    output.say()
    left = 0 if found.change else lines_not_shown(bytes(submitted.payload), submitted.resource)
    unseen = f", {left:,} lines of which were not shown" if left else ""
    if not _asked(f"{verb} request {submitted.request}{unseen}? [y/N] "):
        output.fail("Nothing was signed.")


def _fail_other(sha256: str, options: Options) -> NoReturn:
    refusal = Refusal(
        code=RefusalCode.DIGEST_MISMATCH, detail=f"The request's submission has the SHA-256 {sha256}."
    )
    print_refusal(refusal, WHAT_TO_DO[refusal.code], None, as_json=options.json)
    sys.exit(output.REFUSED)


def _asked(question: str) -> bool:
    output.console().print(question, end="", markup=False, soft_wrap=True)
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def fail_unproven(request: str, why: NotProven) -> NoReturn:
    """Say why nothing is signed."""
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
    output.show(facts)
    output.say()
    if found.change is not None:
        output.say(found.change.sentence)
        output.show(difference_table(found.change.difference))
    else:
        output.show(payload_text(bytes(submitted.payload), submitted.resource, submitted.request))
    if not found.is_sealed:
        output.say(_UNSEALED, style="bold yellow")
