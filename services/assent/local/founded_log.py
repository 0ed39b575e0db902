"""DATA/founded.json: which log is in a data directory."""

from pathlib import Path

import msgspec

from assent.local.data_directory import Directory, replace_file


class NotFounded(Exception):  # noqa: N818  the name is the message
    """No log is founded in this data directory yet."""

    def __init__(self, data: Path) -> None:
        super().__init__(f"no log is founded in {data}; found one with: assent init FILE --data {data}")


class FoundedLog(msgspec.Struct, frozen=True, kw_only=True):
    """A log's identity (SHA-256 of governance record 0, hex) and its partitions, fixed for good."""

    identity: str
    partitions: int


def read_founded(directory: Directory) -> FoundedLog:
    """The log of a data directory. Raises NotFounded."""
    try:
        return msgspec.json.decode((directory.root / "founded.json").read_bytes(), type=FoundedLog)
    except FileNotFoundError:
        raise NotFounded(directory.root) from None


def is_founded(directory: Directory) -> bool:
    """Whether the founding of a log was completed here."""
    return (directory.root / "founded.json").exists()


def begin_founding(directory: Directory) -> None:
    """Mark the directory: until `end_founding` it holds nothing that anyone relies on."""
    replace_file(_begun(directory), "assent init has begun here and has not ended\n")


def founding_was_cut_short(directory: Directory) -> bool:
    """Whether a founding began here and did not end. Its log can be thrown away."""
    return _begun(directory).exists() and not is_founded(directory)


def end_founding(directory: Directory) -> None:
    """Remove the mark, after `write_founded`: the log counts."""
    _begun(directory).unlink(missing_ok=True)


def _begun(directory: Directory) -> Path:
    return directory.root / "founding"


def write_founded(directory: Directory, founded: FoundedLog) -> None:
    """Write it, once, by `assent init`."""
    replace_file(directory.root / "founded.json", msgspec.json.encode(founded).decode() + "\n")
