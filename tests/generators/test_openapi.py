"""Three generators take the gateway's OpenAPI document, and what they make compiles together with its use.

A fourth, openapi-python-client, makes a client that is run: `test_generated_client.py`.
"""

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Final

import pytest

from assent.gateway.api.description import describe
from assent.gateway.api.routes import API
from tests.idp.download_cache import kept_between_runs
from tests.support.npm_packages import NODE

_USES: Final = Path(__file__).parent / "uses"
_JAVA_GENERATOR: Final = "7.23.0"
_GO_GENERATOR: Final = "github.com/oapi-codegen/oapi-codegen/v2/cmd/oapi-codegen@v2.8.0"
_GO_RUNTIME: Final = "github.com/oapi-codegen/runtime@v1.9.0"

pytestmark = [pytest.mark.long, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def document(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("document") / "openapi.json"
    path.write_text(json.dumps(describe(API, cookie="assent-session")))
    return path


def run(*command: str | Path, folder: Path) -> None:
    """Run a program in a folder; fails with what it printed."""
    done = subprocess.run(
        [str(each) for each in command],
        cwd=folder,
        env={**os.environ, "GOFLAGS": "-mod=mod", "GOWORK": "off"},
        capture_output=True,
        text=True,
        timeout=500,
        check=False,
    )
    assert done.returncode == 0, (done.stdout + done.stderr)[-10_000:]


def got(*command: str | Path, folder: Path, what: str) -> None:
    """Run a program that downloads something; skips the test where it cannot."""
    try:
        run(*command, folder=folder)
    except AssertionError as error:
        pytest.skip(f"{what} cannot be downloaded here: {error}")


def test_typescript_compiles(document: Path, node_modules: Path, tmp_path: Path) -> None:
    (tmp_path / "node_modules").symlink_to(node_modules)
    (tmp_path / "package.json").write_text('{"type": "module"}')
    shutil.copy(_USES / "use.ts", tmp_path)
    made = tmp_path / "made.ts"
    run(NODE, node_modules / "openapi-typescript/bin/cli.js", document, "-o", made, folder=tmp_path)
    options = ("--strict", "--noEmit", "--target", "es2022", "--module", "nodenext")
    run(NODE, node_modules / "typescript/bin/tsc", *options, "use.ts", folder=tmp_path)


@pytest.mark.skipif(shutil.which("go") is None, reason="there is no Go here")
def test_go_compiles(document: Path, tmp_path: Path) -> None:
    (tmp_path / "go.mod").write_text("module made\n\ngo 1.26\n")
    shutil.copy(_USES / "use.go", tmp_path)
    got("go", "get", _GO_RUNTIME, folder=tmp_path, what="oapi-codegen's runtime")
    got("go", "run", _GO_GENERATOR, "-version", folder=tmp_path, what="oapi-codegen")
    options = ("-generate", "types,client", "-package", "made", "-o", "made.go")
    run("go", "run", _GO_GENERATOR, *options, document, folder=tmp_path)
    run("go", "vet", "./...", folder=tmp_path)


@pytest.mark.skipif(shutil.which("mvn") is None, reason="there is no Maven here, which needs a JDK")
def test_java_compiles(document: Path, tmp_path: Path) -> None:
    jar = _java_generator(tmp_path)
    options = ("-g", "java", "--library", "native", "--additional-properties=openApiNullable=false")
    run("java", "-jar", jar, "generate", "-i", document, *options, "-o", "made", folder=tmp_path)
    made = tmp_path / "made"
    shutil.copy(_USES / "Use.java", made / "src/main/java/org/openapitools/client")
    got("mvn", "-q", "-B", "dependency:resolve-plugins", folder=made, what="what Maven compiles with")
    run("mvn", "-q", "-B", "compile", folder=made)


def _java_generator(folder: Path) -> Path:
    kept = kept_between_runs("openapi-generator")
    jar = kept / f"openapi-generator-cli-{_JAVA_GENERATOR}.jar"
    if not jar.exists():
        got(
            *("mvn", "-q", "-B", "dependency:copy", f"-DoutputDirectory={folder}"),
            f"-Dartifact=org.openapitools:openapi-generator-cli:{_JAVA_GENERATOR}",
            folder=folder,
            what="openapi-generator",
        )
        shutil.move(folder / jar.name, jar)
    return jar
