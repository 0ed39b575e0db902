"""The command line, from its own help."""

import re
import sys
from typing import Final
from unittest.mock import patch

from assent.cli.app import app

_CONTENTS: Final = re.compile(r"^## Table of Contents\n.*?(?=^\*\*)", re.DOTALL | re.MULTILINE)
_TITLE: Final = re.compile(r"\A# assent\n")


def page() -> str:
    """The reference page."""
    # The usage lines begin with the name of the running program.
    with patch.object(sys, "argv", ["assent"]):
        text = app.generate_docs()
    return _CONTENTS.sub("", _TITLE.sub("# Command line\n", text))
