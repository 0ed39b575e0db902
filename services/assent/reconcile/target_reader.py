"""The reader that a configuration names."""

from pathlib import Path
from typing import assert_never

from assent.applier.targets.files.table import FilesTable
from assent.extras import MissingExtraError, need_extra
from assent.process_settings import SettingsError
from assent.reconcile.configuration import Configuration, GitHistory, HttpListing, SqlListing
from assent.reconcile.readers.reader import Reader


def open_reader(configuration: Configuration, state: Path) -> Reader:
    """The reader of the target. `state`: its own folder, which can be deleted. Raises SettingsError."""
    # Each kind is imported where it is chosen, because some need packages that others do not.
    common = configuration.common
    try:
        match configuration.table:
            case FilesTable() as table:
                from assent.reconcile.readers.files import FilesReader

                return FilesReader(table, common.objects_max)
            case GitHistory() as table:
                from assent.reconcile.readers.git import GitReader

                state.mkdir(parents=True, exist_ok=True)
                return GitReader(table, state, common.timeout_s, common.objects_max)
            case HttpListing() as table:
                need_extra("applier")
                from assent.reconcile.readers.http import HttpReader

                return HttpReader(table, common.timeout_s, common.objects_max)
            case SqlListing() as table:
                from assent.reconcile.readers.sql import SqlReader

                return SqlReader(table, common.timeout_s, common.objects_max)
            case _:
                assert_never(configuration.table)
    except (OSError, MissingExtraError) as error:
        raise SettingsError(str(error)) from error
