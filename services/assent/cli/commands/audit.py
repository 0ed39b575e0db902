"""Commands about the audit log: tail, export, heads, verify (R16)."""

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import App, Parameter
from cyclopts.validators import Number

from assent.cli import output
from assent.cli.options import DEFAULT_ACCESS, DEFAULT_OPTIONS, AccessOptions, Options

if TYPE_CHECKING:
    from assent.reading.audit_entries import AuditEntry

audit = App(name="audit", group="Audit", help="The audit log: every decision, refused ones included (R16).")


@audit.command
def tail(
    *,
    limit: Annotated[
        int, Parameter(alias="-n", validator=Number(gte=1, lte=1_000), help="How many records at first.")
    ] = 20,
    follow: Annotated[
        bool,
        Parameter(
            alias="-f",
            negative="",
            show_default=False,
            help="Continue with new ones as they arrive, until Ctrl-C.",
        ),
    ] = False,
    access: AccessOptions = DEFAULT_ACCESS,
    options: Options = DEFAULT_OPTIONS,
) -> None:
    """Show the latest records of the audit log, the oldest of them first. With --json one to a line."""
    import asyncio

    from assent.cli.audit_following import follow_audit
    from assent.cli.connection.log_access import log_access
    from assent.cli.connection.log_selection import log_client

    def print_entries(entries: "Iterable[AuditEntry]") -> None:
        _print_entries(entries, as_json=options.json)

    if not follow:
        print_entries(asyncio.run(log_client(access, options).audit_records(limit)))
    elif access.server is None:
        asyncio.run(follow_audit(log_access(options), limit, print_entries))
    else:
        log_client(access, options)  # reports first what is wrong with --server
        output.fail(
            "--follow reads the tables directly and does not work with --server. The console has live pages."
        )


def _print_entries(entries: "Iterable[AuditEntry]", *, as_json: bool) -> None:
    from assent.cli.formatting import print_audit

    if not as_json:
        print_audit(entries)
        return
    for entry in entries:
        output.print_json_line(entry)


@audit.command
def export(
    file: Annotated[Path, Parameter(help="The file to write; it must not exist.")],
    *,
    options: Options = DEFAULT_OPTIONS,
) -> None:
    """Write both ledgers, with their seals, into one file that `audit verify --file` verifies anywhere.

    They are compared with Postgres and with the writers' signed heads: where the ledgers have lost something,
    no file is written. Exits 0 when it is written, 2 when something is missing, 1 on failure.
    """
    import asyncio

    from assent.cli.connection.log_access import log_access
    from assent.cli.ledger_export import export_held
    from assent.cli.log_completeness import deciders_heads
    from assent.cli.verification import fail_with_finding
    from assent.verify.expected_heads import Expected
    from assent.verify.finding import FindingError

    log = log_access(options)
    try:
        exported = asyncio.run(export_held(log, file, own=deciders_heads(options, log.identity)))
    except FileExistsError:
        output.fail(f"{file} exists already; choose another name.")
    except FindingError as finding:
        fail_with_finding(finding, "exported", as_json=options.json)
    if options.json:
        output.print_json(
            {
                "file": str(file),
                "records": exported.records,
                "identity": log.identity,
                "heads": Expected(identity=log.identity, heads=exported.heads),
            }
        )
        return
    output.print_line(f"Exported {exported.records:,} records to {file}")
    output.print_line(f"Verify it anywhere: assent audit verify --file {file} --identity {log.identity}")
    output.print_line(
        "To verify that nothing was cut off, use what `assent audit heads` printed before: --expect FILE"
    )


@audit.command
def heads(*, options: Options = DEFAULT_OPTIONS) -> None:
    """Print the head of each ledger partition, as JSON for `audit verify --expect`.

    A chain proves its order, not that its end was not cut off. Keep the output away from the log.
    """
    import asyncio

    from assent.cli.connection.log_access import log_access
    from assent.cli.ledger_export import heads_elsewhere
    from assent.cli.log_completeness import deciders_heads

    log = log_access(options)
    expected = asyncio.run(heads_elsewhere(log, deciders_heads(options, log.identity)))
    if not expected.heads:
        output.fail("The audit table is empty, so there is nothing to print. Is the audit service running?")
    output.print_json(expected)


@audit.command
def verify(
    *,
    file: Annotated[Path | None, Parameter(help="An exported file, instead of the running log.")] = None,
    identity: Annotated[
        str | None, Parameter(help="Which log the file must be of; `init`, `env` and `export` print it.")
    ] = None,
    expect: Annotated[
        Path | None,
        Parameter(help="The file with the heads that `audit heads` printed before."),
    ] = None,
    options: Options = DEFAULT_OPTIONS,
) -> None:
    """Check the chain, the seals and the signatures, decide every command again, compare the audit table.

    It checks requests and governance, and that the two agree. Each row of the audit table must have its
    record on a ledger, and equal it in every column. Nothing may be missing that Postgres, the writers'
    signed heads or --expect know of. --file needs only the file, on any machine: no Kafka and no Postgres.
    The output lists what was checked, and what could not be.

    Exits 0 when everything is right, 2 with the first bad partition and seq when something is not, and 1 when
    it could not be checked.
    """
    import asyncio
    import re

    import msgspec

    from assent.cli.connection.log_access import log_access
    from assent.cli.log_completeness import deciders_heads
    from assent.cli.verification import fail_with_finding, print_verified, progress_bar, verify_live
    from assent.verify.expected_heads import read_expected
    from assent.verify.export_verification import verify_file
    from assent.verify.finding import FindingError
    from assent_contracts.digests import DIGEST_PATTERN

    try:
        if file is not None:
            if identity is None:
                output.fail("Name the log that it must be of: --identity HASH (`assent env` prints it).")
            if re.fullmatch(DIGEST_PATTERN, identity) is None:
                output.fail(f"--identity is 64 lower-case hex digits, not {identity[:80]!r}.")
            expected = None if expect is None else read_expected(expect, identity)
            with progress_bar("verifying") as progress:
                found = verify_file(file, identity, progress, expected=expected)
        else:
            log = log_access(options)
            expected = None if expect is None else read_expected(expect, log.identity)
            found = asyncio.run(verify_live(log, expected, own=deciders_heads(options, log.identity)))
    except FindingError as finding:
        fail_with_finding(finding, "verified", as_json=options.json)
    if options.json:
        output.print_json({"verified": True, **msgspec.structs.asdict(found)})
        return
    print_verified(found)
