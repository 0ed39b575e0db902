"""DATA/founded.json: which log lives in a data directory."""

from pathlib import Path

import msgspec

from assent.local.data_directory import Directory, replace_file


class NotFounded(Exception):  # noqa: N818  the name says what is wrong
    """Nothing governs this data directory yet."""

    def __init__(self, data: Path) -> None:
        super().__init__(f"no log is founded in {data}; found one with: assent init FILE --data {data}")


class FoundedLog(msgspec.Struct, frozen=True, kw_only=True):
    """A log's identity (SHA-256 of governance record 0, hex) and its partitions, fixed for good."""

    identity: str
    partitions: int


def read_founded(directory: Directory) -> FoundedLog:
    """Raises NotFounded."""
    try:
        return msgspec.json.decode((directory.root / "founded.json").read_bytes(), type=FoundedLog)
    except FileNotFoundError:
        raise NotFounded(directory.root) from None


def is_founded(directory: Directory) -> bool:
    """Whether a log was founded here, to the end."""
    return (directory.root / "founded.json").exists()


def begin_founding(directory: Directory) -> None:
    """From here until `end_founding` the directory holds nothing that anybody relies on."""
    replace_file(_begun(directory), "assent init has begun here and has not ended\n")


def founding_was_cut_short(directory: Directory) -> bool:
    """Whether a founding has begun here and not ended; its log can be thrown away."""
    return _begun(directory).exists() and not is_founded(directory)


def end_founding(directory: Directory) -> None:
    """The log counts: after `write_founded`."""
    _begun(directory).unlink(missing_ok=True)


def _begun(directory: Directory) -> Path:
    return directory.root / "founding"


def write_founded(directory: Directory, founded: FoundedLog) -> None:
    """Once, by `assent init`."""
    replace_file(directory.root / "founded.json", msgspec.json.encode(founded).decode() + "\n")
