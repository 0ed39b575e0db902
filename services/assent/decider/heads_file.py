"""The decider's own file of signed heads: what it knows outside Kafka and Postgres."""

from pathlib import Path

import msgspec

from assent_contracts.client.durable_file import write_durably
from assent_contracts.heads import KeptHead

_decode = msgspec.json.Decoder(list[KeptHead]).decode


class HeadsFileError(Exception):
    """The file exists but cannot be read; the message says what to do."""


def heads_file(state: Path, identity: str) -> Path:
    """Where a decider with this state folder keeps the heads of the log with this identity (hex)."""
    return state / f"heads-{identity[:16]}.json"


def read_heads_file(path: Path) -> list[KeptHead] | None:
    """The heads in a file; None when there is none. Raises HeadsFileError."""
    try:
        return _decode(path.read_bytes())
    except FileNotFoundError:
        return None
    except (OSError, ValueError, msgspec.MsgspecError) as error:
        msg = (
            f"{path} cannot be read ({type(error).__name__}). Restore it from a copy, or remove it. The"
            " decider then relies on what Postgres and assent.heads know."
        )
        raise HeadsFileError(msg) from error


def write_heads_file(path: Path, heads: list[KeptHead]) -> None:
    """Replace the file; durable on return. Raises OSError."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    write_durably(path, msgspec.json.encode(heads))
