"""Commands for auditors: audit tail, audit export, audit heads, audit verify."""

from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter
from cyclopts.validators import Number

from assent.cli.options import DEFAULT_OPTIONS, DEFAULT_SENDER, Options, Sender

audit = App(name="audit", group="Audit", help="The audit log: every decision, refused ones included (R16).")


@audit.command
def tail(
    *,
    limit: Annotated[
        int, Parameter(alias="-n", validator=Number(gte=1, lte=1_000), help="How many records at first.")
    ] = 20,
    follow: Annotated[
        bool,
        Parameter(alias="-f", negative="", show_default=False, help="Go on as new ones come, until Ctrl-C."),
    ] = False,
    sender: Sender = DEFAULT_SENDER,
    options: Options = DEFAULT_OPTIONS,
) -> None:
    """Show the latest records of the audit log, the oldest of them first. With --json one to a line."""
    from assent.cli import tailing

    tailing.tail(limit, follow=follow, sender=sender, options=options)


@audit.command
def export(
    file: Annotated[Path, Parameter(help="The file to write; it must not exist.")],
    *,
    options: Options = DEFAULT_OPTIONS,
) -> None:
    """Write both ledgers, with their seals, into one file that `audit verify --file` proves anywhere.

    They are held against what Postgres and the writers' signed heads know of them: of ledgers that have lost
    something no file is written. Exits 0 when it is, 2 when something is missing, 1 when it cannot be.
    """
    from assent.cli import exporting

    exporting.export(file, options=options)


@audit.command
def heads(*, options: Options = DEFAULT_OPTIONS) -> None:
    """Print where each ledger partition stands, as JSON for `audit verify --expect`.

    A chain proves its order, not that its end was not cut off. Keep what this prints where the log is not.
    """
    from assent.cli import exporting

    exporting.heads(options=options)


@audit.command
def verify(
    *,
    file: Annotated[Path | None, Parameter(help="An exported file, instead of the running log.")] = None,
    identity: Annotated[
        str | None, Parameter(help="Which log the file must be; `init`, `env` and `export` print it.")
    ] = None,
    expect: Annotated[
        Path | None,
        Parameter(help="Where the ledgers were, kept elsewhere: what `audit heads` printed."),
    ] = None,
    options: Options = DEFAULT_OPTIONS,
) -> None:
    """Check the chain, the seals and the signatures, decide every command again, compare the audit table.

    That goes for requests and for governance, and what each says of the other must be so. Every column of
    every row of the audit table must be the record's, and no row may be without one. Nothing may be missing
    that Postgres, the writers' signed heads or --expect know of. With --file it needs the file only, on any
    machine: no Kafka and no Postgres. It says what it has checked, and what it could not.

    Exits 0 when all of it holds; 2 when something does not, with the first bad partition and seq; 1 when it
    could not be checked.
    """
    from assent.cli import proving

    proving.verify(file, identity, expect, options=options)
