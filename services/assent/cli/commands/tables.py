"""Commands about the tables in Postgres."""

from typing import Annotated

from cyclopts import App, Parameter

from assent.cli import output
from assent.cli.options import DEFAULT_OPTIONS, Options

tables = App(name="tables", group="System", help="Tables in Postgres.")


@tables.command(name="apply")
def apply(
    *,
    dry_run: Annotated[
        bool, Parameter(negative="", show_default=False, help="Only print what would be done.")
    ] = False,
    options: Options = DEFAULT_OPTIONS,
) -> None:
    """Make the tables in the database of ASSENT_POSTGRES what this version needs: see infra/migrations.

    Applies the migrations that are missing, each in one transaction; there may be none. The login must own
    the database and its tables, and needs CREATEROLE the first time in a cluster. With --json prints
    {"missing": [names before], "applied": [names]}. Exits 1 when a migration cannot be applied.
    """
    import asyncio
    import os

    from assent.process_settings import need_postgres
    from assent.store.migrate import migrate, missing_migrations

    dsn = need_postgres(os.environ)
    missing = asyncio.run(missing_migrations(dsn))
    if missing and not options.json:
        output.print_line(f"Missing: {', '.join(missing)}.")
    applied = [] if dry_run else asyncio.run(migrate(dsn))
    if options.json:
        output.print_json({"missing": missing, "applied": applied})
    elif applied:
        output.print_line(f"Applied: {', '.join(applied)}.")
    elif not missing or not dry_run:
        output.print_line("Nothing to do: all tables are there, as they must be.")
