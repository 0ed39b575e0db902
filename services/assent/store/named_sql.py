"""Named SQL: a file of blocks that each begin with `-- name: <name>`."""

import re
from pathlib import Path
from typing import Final

_NAME: Final = re.compile(r"^-- name: ([a-z_]+)\s*$", re.MULTILINE)


def load_sql(path: Path) -> dict[str, str]:
    """The blocks of a file, by name. Raises ValueError if it has none, or two with one name."""
    _, *parts = _NAME.split(path.read_text(encoding="utf-8"))
    blocks = {name: text.strip() for name, text in zip(parts[::2], parts[1::2], strict=True)}
    if not blocks or len(blocks) != len(parts) // 2:
        msg = f"{path}: no block, or two of one name"
        raise ValueError(msg)
    return blocks
