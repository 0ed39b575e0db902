"""The official parser of AsyncAPI takes asyncapi.yaml and every schema that it names."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any, Final

import pytest

import assent_contracts.schemas
from assent_contracts.schemas.asyncapi import document
from tests.support.npm_packages import NODE

_HERE: Final = Path(__file__).parent
SCHEMAS: Final = Path(assent_contracts.schemas.__file__).parent

pytestmark = [pytest.mark.long, pytest.mark.timeout(240)]


@pytest.fixture
def parser(node_modules: Path, tmp_path: Path) -> Path:
    """The program, in a folder where it finds its modules."""
    (tmp_path / "node_modules").symlink_to(node_modules)
    return Path(shutil.copy(_HERE / "asyncapi.mjs", tmp_path))


def parsed(parser: Path, file: Path) -> dict[str, Any]:
    done = subprocess.run(
        [str(NODE), str(parser), str(file)], check=True, capture_output=True, text=True, timeout=120
    )
    return json.loads(done.stdout)


def test_document_is_valid_and_has_every_message(parser: Path) -> None:
    found = parsed(parser, SCHEMAS / "asyncapi.yaml")
    assert found["errors"] == []
    assert set(found["messages"]) == set(document()["components"]["messages"])


def test_parser_would_report_a_discriminator_of_openapi(parser: Path, tmp_path: Path) -> None:
    """What it once reported: OpenAPI's keyword, which is an object, in the schema of a record's events."""
    shutil.copytree(SCHEMAS, tmp_path / "spoiled")
    schema = tmp_path / "spoiled/ledger-record.json"
    content = json.loads(schema.read_bytes())
    content["properties"]["events"]["items"]["discriminator"] = {"propertyName": "type"}
    schema.write_text(json.dumps(content))
    errors = parsed(parser, tmp_path / "spoiled/asyncapi.yaml")["errors"]
    assert any("discriminator" in each for each in errors)
