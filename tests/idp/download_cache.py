"""Where tests keep what they have downloaded, from run to run."""

import os
from pathlib import Path


def kept_between_runs(name: str) -> Path:
    """The user's own folder, below `$ASSENT_CACHE` if that is set. 0700, because its content is executed."""
    chosen = os.environ.get("ASSENT_CACHE")
    path = (Path(chosen) if chosen else Path.home() / ".cache" / "assent") / name
    path.mkdir(parents=True, exist_ok=True, mode=0o700)
    return path.resolve()
