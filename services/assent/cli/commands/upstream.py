"""Commands about upstream sources and gates: what they could not submit, and where they continue."""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Annotated, TypeVar

from cyclopts import App, Parameter
from cyclopts.validators import Number

from assent.cli import output
from assent.cli.options import DEFAULT_OPTIONS, Options

if TYPE_CHECKING:
    import asyncpg

    from assent.upstream.events import DeadEvent
    from assent.upstream.gate_rows import DeadAnswer

upstream = App(name="upstream", group="System", help="Sources and gates: dead letters and positions.")
_T = TypeVar("_T")
_SHOWN_CHARS = 60


@upstream.command(name="dead-letters")
def dead_letters(
    *,
    source: Annotated[str | None, Parameter(help="Only those of this source.")] = None,
    before: Annotated[int | None, Parameter(help="Only those before this id: the next page.")] = None,
    limit: Annotated[int, Parameter(validator=Number(gte=1, lte=1_000), help="How many at most.")] = 100,
    options: Options = DEFAULT_OPTIONS,
) -> None:
    """List the events that sources could not submit, newest first, with the reason.

    Then the answers that callers at gates did not take. With --json prints {"events": [...],
    "answers": [...]}. An event without content was refused before anyone was known to have sent it, and
    cannot be sent again.
    """

    async def read(pool: "asyncpg.Pool") -> "tuple[list[DeadEvent], list[DeadAnswer]]":
        from assent.upstream.events import dead_events
        from assent.upstream.gate_rows import dead_answers

        return (
            await dead_events(pool, source=source, before=before, limit=limit),
            await dead_answers(pool, source=source, limit=limit),
        )

    events, answers = _with_tables(options, read)
    if options.json:
        output.print_json({"events": events, "answers": answers})
        return
    for each in events:
        again = "" if each.can_resend else " (no content)"
        output.print_line(f"{each.id}  {each.source}  {each.code}  {each.died_at:%Y-%m-%d %H:%M}{again}")
        output.print_line(f"    {each.event[:_SHOWN_CHARS]}: {each.reason}")
    for answer in answers:
        output.print_line(
            f"Answer {answer.id} of {answer.source}, {answer.state}, request {answer.request}:"
            f" {answer.reason}"
        )
    if not events and not answers:
        output.print_line("There are no dead letters.")


@upstream.command(name="resend")
def resend(
    letter: Annotated[int | None, Parameter(help="The id of a dead letter.")] = None,
    /,
    *,
    every: Annotated[
        bool, Parameter(name="--all", negative="", help="All dead letters, up to 1,000 at once.")
    ] = False,
    source: Annotated[str | None, Parameter(help="With --all: only those of this source.")] = None,
    options: Options = DEFAULT_OPTIONS,
) -> None:
    """Have a dead letter mapped and submitted again, by the mapping that is in force now.

    It gets a new command id, so it is decided anew. With --json prints {"resent": [ids]}. Exits 1 if there is
    no such dead letter, or if it has no content.
    """
    if (letter is None) == (not every):
        output.fail("Name a dead letter, or use --all.")

    async def send(pool: "asyncpg.Pool") -> list[int]:
        from assent.upstream.events import resend as resend_events

        return await resend_events(pool, event=letter, source=source)

    resent = _with_tables(options, send)
    if letter is not None and not resent:
        output.fail(f"There is no dead letter {letter} with content.")
    if options.json:
        output.print_json({"resent": resent})
    else:
        output.print_line(f"To be sent again: {', '.join(map(str, resent)) or 'none'}.")


@upstream.command(name="reset")
def reset(
    source: Annotated[str, Parameter(help="The name of a git source.")],
    commit: Annotated[str, Parameter(help="The commit to continue from: 40 hex digits.")],
    /,
    *,
    options: Options = DEFAULT_OPTIONS,
) -> None:
    """State from which commit a git source continues, after its branch was rewritten.

    What differs between this commit and the branch's newest one is submitted next. To skip it, name the
    newest commit. Exits 1 if the source has no position yet.
    """
    import re

    if re.fullmatch(r"[0-9a-f]{40}", commit) is None:
        output.fail(f"A commit is 40 hex digits, and not {commit[:80]!r}.")

    async def write(pool: "asyncpg.Pool") -> bool:
        from assent.upstream.events import SQL

        return await pool.execute(SQL["reset"], source, commit) != "UPDATE 0"

    if not _with_tables(options, write):
        output.fail(f"There is no git source {source!r} that has been read.")
    if options.json:
        output.print_json({"source": source, "position": commit})
    else:
        output.print_line(f"{source} continues from {commit}.")


def _with_tables(options: Options, work: "Callable[[asyncpg.Pool], Awaitable[_T]]") -> _T:
    """What `work` returns with the tables of upstreams. Raises what asyncpg raises."""
    import asyncio

    from assent.cli.connection.log_access import log_access
    from assent.extras import need_extra
    from assent.store.pool import open_pool

    need_extra("upstream")
    access = log_access(options)

    async def run() -> _T:
        pool = await open_pool(access.dsn, "assent_upstream", application="assent-cli", size=1)
        try:
            return await work(pool)
        finally:
            await pool.close()

    return asyncio.run(run())
