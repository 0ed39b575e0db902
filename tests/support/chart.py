"""The Helm chart as its users get it: the manifests that helm renders from sets of values."""

import functools
import subprocess
from pathlib import Path
from typing import Any, Final

import yaml

from tests.support.kube_tools import ROOT, tool
from tests.support.optional_tools import skip_or_fail

CHART: Final = ROOT / "infra" / "helm" / "assent"
VALUES: Final = {
    "before a log is founded": None,
    "everything": CHART / "ci" / "everything-values.yaml",
    "own clusters": CHART / "ci" / "own-clusters-values.yaml",
}
NAMESPACE: Final = "approvals"
_KUBE_VERSION: Final = "1.36.0"

Manifest = dict[str, Any]


def helm(command: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """What helm answers about the chart. Skips the test where there is no helm."""
    program = tool("helm")
    if program is None:
        skip_or_fail("There is no helm: `make test-kube` builds it.")
    name = ["assent"] if command == "template" else []
    return subprocess.run(
        [program, command, *name, str(CHART), "--kube-version", _KUBE_VERSION, *arguments],
        capture_output=True,
        text=True,
        check=False,
    )


def from_values(values: Path | None) -> list[str]:
    """The arguments for a file of values."""
    return [] if values is None else ["--values", str(values)]


@functools.cache
def rendered(name: str, *arguments: str) -> str:
    """All manifests from the named values, as text."""
    done = helm("template", "--namespace", NAMESPACE, *from_values(VALUES[name]), *arguments)
    assert done.returncode == 0, done.stderr
    return done.stdout


def manifests(name: str, *arguments: str) -> list[Manifest]:
    """All manifests from the named values."""
    return [each for each in yaml.safe_load_all(rendered(name, *arguments)) if each is not None]
