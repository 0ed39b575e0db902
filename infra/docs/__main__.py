"""`python -m infra.docs [FOLDER]` builds the site in build/docs, or in FOLDER."""

import sys
from pathlib import Path

from infra.docs.build import SiteError, build
from infra.docs.places import ROOT

folder = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "build" / "docs"
try:
    site = build(folder)
except SiteError as error:
    sys.exit(f"docs: the site was not built.\n{error}")
sys.stdout.write(f"docs: {site / 'index.html'}\n")
