"""Commands for auditors: audit tail, audit export, audit verify."""

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
    """Write both ledgers, with their seals, into one file that `audit verify --file` proves anywhere."""
    from assent.cli import proving

    proving.export(file, options=options)


@audit.command
def verify(
    *,
    file: Annotated[Path | None, Parameter(help="An exported file, instead of the running log.")] = None,
    identity: Annotated[
        str | None, Parameter(help="Which log the file must be; `init`, `env` and `export` print it.")
    ] = None,
    options: Options = DEFAULT_OPTIONS,
) -> None:
    """Check the chain, the seals and the signatures, decide every command again, compare the audit table.

    That goes for requests and for governance, and what each says of the other must be so. Exits 0 when all
    of it holds, and 1 with the first bad partition and seq when it does not. With --file it needs the file
    only: no Kafka and no Postgres, on any machine.
    """
    from assent.cli import proving

    proving.verify(file, identity, options=options)
