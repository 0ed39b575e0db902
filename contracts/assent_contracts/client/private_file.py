"""A file that only its owner, and at most its group, may read: the files of signing keys."""

import os
import stat
from pathlib import Path
from typing import Final

_OTHERS: Final = stat.S_IROTH | stat.S_IWOTH | stat.S_IWGRP
_MAX_BYTES: Final = 16 * 1024


class ExposedFileError(PermissionError):
    """Other accounts of this machine can read the file, or change it. The message states what to do."""

    def __init__(self, path: Path, mode: int) -> None:
        can = "read" if mode & stat.S_IROTH else "change"
        super().__init__(
            f"Others can {can} {path}, which has the mode {mode:04o}. Run `chmod 600 {path}`; for a Secret in"
            " a pod, set its defaultMode to 0440. Register another key if somebody may have copied it."
        )


def read_private_file(path: Path) -> bytes:
    """The bytes of the file; a longer one than any key file is cut. Raises ExposedFileError, OSError.

    The group may read it, because a pod with an fsGroup gets its Secrets so. A pipe, such as a shell makes of
    `<(…)`, is not judged.
    """
    with path.open("rb") as file:
        mode = os.fstat(file.fileno()).st_mode
        if stat.S_ISREG(mode) and mode & _OTHERS:
            raise ExposedFileError(path, stat.S_IMODE(mode))
        return file.read(_MAX_BYTES)
