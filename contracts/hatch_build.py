"""Put the files that a library in another language is tested with into the wheel and the sdist.

In the wheel they are in `assent_contracts/conformance`. The sdist has them at its root, where this file finds
them when a wheel is built from it.
"""

from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

_FILES = ("vectors", "golden", "rules.toml")
_ELSEWHERE = {"golden": "tests/contract/golden", "rules.toml": "docs/rules.toml"}
"""Where the repository has those that are not in contracts/."""
_IN_WHEEL = "assent_contracts/conformance"


class Conformance(BuildHookInterface[Any]):
    """What hatchling calls before it builds."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Add the files. An editable installation has them in the repository."""
        if version == "editable":
            return
        target = f"{_IN_WHEEL}/" if self.target_name == "wheel" else ""
        for name in _FILES:
            build_data["force_include"][str(self._place(name))] = target + name

    def _place(self, name: str) -> Path:
        root = Path(self.root)
        here = root / name
        return here if here.exists() else root.parent / _ELSEWHERE[name]
