"""The wheel of assent-contracts has every file that its page names, and they are usable from there."""

import re
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Final

import pytest
import yaml

import assent_contracts
from assent_contracts.vectors.generate import FOLDER
from tests.contract.examples import GOLDEN

CONTRACTS: Final = Path(assent_contracts.__file__).parents[1]
CONFORMANCE: Final = "assent_contracts/conformance"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [
            *(sys.executable, "-m", "pip", "--disable-pip-version-check", "wheel", "--quiet", "--no-index"),
            *("--no-deps", "--no-build-isolation", "--no-cache-dir", "--wheel-dir", folder, CONTRACTS),
        ],
        check=True,
        timeout=110,
    )
    [path] = folder.glob("*.whl")
    return zipfile.ZipFile(path)


def page(wheel: zipfile.ZipFile) -> str:
    [metadata] = [name for name in wheel.namelist() if name.endswith("/METADATA")]
    return wheel.read(metadata).decode()


def test_page_names_no_file_that_the_wheel_lacks(wheel: zipfile.ZipFile) -> None:
    text = page(wheel)
    names = wheel.namelist()
    named = set(re.findall(r"`(assent_contracts/[a-z_/]*\.(?:py|yaml|json))`", text))
    assert {"assent_contracts/schemas/asyncapi.yaml", "assent_contracts/acceptance.py"} <= named
    assert named <= set(names)
    linked = {target.partition("#")[0] for target in re.findall(r"\]\(([^):]+)\)", text)}
    # The page states that these are in the repository only.
    elsewhere = {"../README.md", "go/README.md", "java/README.md"}
    assert "all of this but the libraries in other languages" in text
    for target in linked - elsewhere:
        last = "/".join(part for part in target.split("/") if part not in {"..", "tests", "contract", "docs"})
        assert any(name.startswith(f"{CONFORMANCE}/{last}") for name in names), target


def test_conformance_files_are_those_of_the_repository(wheel: zipfile.ZipFile) -> None:
    expected = {f"{CONFORMANCE}/vectors/{path.name}": path for path in FOLDER.iterdir()}
    expected |= {
        f"{CONFORMANCE}/golden/{path.relative_to(GOLDEN).as_posix()}": path for path in GOLDEN.rglob("*.json")
    }
    expected[f"{CONFORMANCE}/rules.toml"] = CONTRACTS.parent / "docs/rules.toml"
    assert {name for name in wheel.namelist() if name.startswith(CONFORMANCE)} == set(expected)
    for name, path in expected.items():
        assert wheel.read(name) == path.read_bytes(), name


def test_asyncapi_finds_its_schemas_in_the_wheel(wheel: zipfile.ZipFile) -> None:
    folder = "assent_contracts/schemas"
    document = yaml.safe_load(wheel.read(f"{folder}/asyncapi.yaml"))
    references = {message["payload"]["$ref"] for message in document["components"]["messages"].values()}
    assert len(references) > 10
    for reference in references:
        assert f"{folder}/{reference.removeprefix('./')}" in wheel.namelist()
