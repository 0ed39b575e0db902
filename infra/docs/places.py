"""Where things are in the checkout."""

from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
DOCS: Final = ROOT / "docs"
TESTS: Final = ROOT / "tests"
PACKAGES: Final = (ROOT / "contracts", ROOT / "services")
CORE: Final = ROOT / "contracts" / "assent_contracts" / "core"
DECISIONS: Final = ROOT / "infra" / "decisions"
