"""Commands about the organisation's directory."""

from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter

from assent.cli.options import (
    DEFAULT_ACCESS,
    DEFAULT_CHANGE_OPTIONS,
    DEFAULT_OPTIONS,
    AccessOptions,
    ChangeOptions,
    Options,
)

directory = App(name="directory", group="Governance", help="The organisation's directory.")


@directory.command(name="sync")
def sync(
    file: Annotated[Path, Parameter(help="The export, JSON or CSV, at most 32 MiB.")],
    *,
    change_options: ChangeOptions = DEFAULT_CHANGE_OPTIONS,
    access: AccessOptions = DEFAULT_ACCESS,
    options: Options = DEFAULT_OPTIONS,
) -> None:
    """Update people and groups from an export of the directory, in one signed difference.

    JSON: {"users": [{"id", "person", "name", "active"}],
    "groups": [{"id", "name", "members": [user ids], "groups": [ids of nested groups]}]}

    CSV: the header kind,id,person,name,member_of (and active, if you like), then rows of kind user or group;
    member_of has the ids of the groups that it is in, separated by semicolons.

    Only accounts and groups from the directory are changed. A person who is no longer in the export is
    disabled. Nested groups are flattened, and each member keeps the path to it. The setting
    vanish_max_percent limits how much may vanish at once. A user whose id is another account's here is left
    out and named; the rest is sent, and the exit code is 2. A large difference is sent in several changes,
    removals last.
    """
    import asyncio
    import sys

    from assent.cli import output
    from assent.cli.connection.log_selection import log_client
    from assent.cli.connection.signing_key import signing_key_of
    from assent.cli.directory_sync import synchronise
    from assent.directory.directory_export import ExportError
    from assent.directory.export_reading import read_export

    key = signing_key_of(access, options)
    log = log_client(access, options, key)
    try:
        export = read_export(file)
        code = asyncio.run(synchronise(log, export, key.principal, change_options, options))
    except ExportError as error:
        output.fail(f"{file}: {error}", output.REFUSED)
    sys.exit(code)
