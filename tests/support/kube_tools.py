"""Helm, etcd and the API server of Kubernetes, built from their Go modules for the tests of the chart.

`python -m tests.support.kube_tools` builds those that are missing: helm in about three minutes on two cores,
the other two in about six, with 3 GB of Go's caches. `ASSENT_TEST_TOOLS` names their folder.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
HELM: Final = "helm.sh/helm/v3/cmd/helm@v3.22.0"
KUBERNETES: Final = "1.36.3"
_PROGRAMS: Final = ROOT / "tests" / "kube" / "programs"
_STAGED: Final = re.compile(r"(k8s\.io/[a-z0-9-]+) => \./staging/")


def tools() -> Path:
    """The folder of the programs."""
    return Path(os.environ.get("ASSENT_TEST_TOOLS", ROOT / "build" / "tools"))


def tool(name: str) -> str | None:
    """The path of a program, in that folder or on PATH; None if there is none."""
    return shutil.which(name, path=f"{tools()}{os.pathsep}{os.environ.get('PATH', '')}")


def _go(*arguments: str, folder: Path, **environ: str) -> str:
    done = subprocess.run(
        ["go", *arguments],
        cwd=folder,
        env=os.environ | environ,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return done.stdout


def _build_helm(into: Path) -> None:
    _go("install", "-ldflags", "-s -w", HELM, folder=ROOT, GOBIN=str(into))


def _build_servers(into: Path) -> None:
    # The module of Kubernetes replaces others by folders of its own, and the published ones are the same.
    minor = KUBERNETES.partition(".")[2]
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        (folder / "etcd").mkdir()
        shutil.copy(_PROGRAMS / "apiserver.go", folder / "main.go")
        shutil.copy(_PROGRAMS / "etcd.go", folder / "etcd" / "main.go")
        (folder / "go.mod").write_text("module servers\n")
        module = _go("mod", "download", "-json", f"k8s.io/kubernetes@v{KUBERNETES}", folder=folder)
        [go_mod] = re.findall(r'"GoMod": "([^"]+)"', module)
        theirs = Path(go_mod).read_text(encoding="utf-8")
        [go_version] = re.findall(r"^go (\S+)$", theirs, re.MULTILINE)
        staged = sorted(set(_STAGED.findall(theirs)))
        replaced = "".join(f"\t{name} => {name} v0.{minor}\n" for name in staged)
        (folder / "go.mod").write_text(
            f"module servers\n\ngo {go_version}\n\nrequire k8s.io/kubernetes v{KUBERNETES}\n\n"
            f"replace (\n{replaced})\n"
        )
        _go("mod", "tidy", folder=folder)
        version = "k8s.io/component-base/version"
        flags = f"-s -w -X {version}.gitVersion=v{KUBERNETES} -X {version}.gitMajor=1"
        flags += f" -X {version}.gitMinor={minor.partition('.')[0]}"
        _go("build", "-ldflags", flags, "-o", str(into / "kube-apiserver"), ".", folder=folder)
        _go("build", "-ldflags", "-s -w", "-o", str(into / "etcd"), "./etcd", folder=folder)


def main() -> int:
    """Build what is missing. Returns the exit code."""
    if shutil.which("go") is None:
        print("There is no Go here, and the chart's tools are built with it: install Go 1.26 or newer.")
        return 1
    into = tools()
    into.mkdir(parents=True, exist_ok=True)
    if tool("helm") is None:
        print("Building helm (about three minutes).", flush=True)
        _build_helm(into)
    if tool("kube-apiserver") is None or tool("etcd") is None:
        print("Building etcd and kube-apiserver (about six minutes).", flush=True)
        _build_servers(into)
    return 0


if __name__ == "__main__":
    sys.exit(main())
