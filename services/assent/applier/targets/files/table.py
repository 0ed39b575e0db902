"""The table `[files]` of an applier's configuration."""

import msgspec

from assent.applier.targets.content import TEXT_TYPES
from assent.applier.targets.paths import AbsolutePath


class FilesTable(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A folder.

    Each field's docstring is its line in the documentation.
    """

    folder: AbsolutePath
    """The folder. It is made if it is missing."""
    file_types: tuple[str, ...] = TEXT_TYPES
    """The types whose payload is a file. The payload of any other type is written as it is."""
