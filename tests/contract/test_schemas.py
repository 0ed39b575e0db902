import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

import assent_contracts.schemas
from assent_contracts.schemas.asyncapi import document
from assent_contracts.schemas.generate import main, stale
from assent_contracts.schemas.messages import all_schemas
from assent_contracts.topics import (
    CHANGES,
    COMMANDS,
    GOVERNANCE,
    GOVERNANCE_COMMANDS,
    HEADS,
    LEDGER,
    SNAPSHOTS,
)
from tests.contract.examples import GOLDEN

SCHEMAS = Path(assent_contracts.schemas.__file__).parent
OF_FOLDER = {
    "events": "events.json",
    "event-variants": "events.json",
    "governance-events": "governance-events.json",
    "refusals": "refusal.json",
    "records": "ledger-record.json",
}


def schema_of(golden: Path) -> dict[str, Any]:
    name = OF_FOLDER.get(golden.parent.name, golden.name)
    if golden.parent.name == "command-variants":
        name = f"{json.loads(golden.read_bytes())['type'].removeprefix('assent.')}.json"
    if golden.stem == "governance-0":
        name = "governance-record.json"
    schema: dict[str, Any] = json.loads((SCHEMAS / name).read_text(encoding="utf-8"))
    return schema


def test_committed_schemas_match_the_types() -> None:
    assert stale() == [], "run `make schemas`"
    assert main(["--check"]) == 0


@pytest.mark.parametrize("name", all_schemas())
def test_every_schema_is_valid_json_schema(name: str) -> None:
    Draft202012Validator.check_schema(all_schemas()[name])


@pytest.mark.parametrize(
    "golden",
    [path for path in sorted(GOLDEN.rglob("*.json")) if path.parent.name != "signed"],
    ids=lambda path: f"{path.parent.name}/{path.stem}",
)
def test_golden_messages_fit_their_schemas(golden: Path) -> None:
    Draft202012Validator(schema_of(golden)).validate(json.loads(golden.read_bytes()))


def test_record_s_schema_describes_its_parts() -> None:
    """Command, events and refusal are described down to the last field: a wrong one is invalid."""
    schema = Draft202012Validator(schema_of(GOLDEN / "records/submission.json"))
    record = json.loads((GOLDEN / "records/submission.json").read_bytes())
    for spoil in (
        lambda r: r["command"]["value"].pop("operation"),
        lambda r: r["events"][0].pop("digest"),
        lambda r: r.update(refusal={"code": "own-request", "detail": "both"}),
        lambda r: r.pop("events"),
    ):
        spoiled = json.loads(json.dumps(record))
        spoil(spoiled)
        assert not schema.is_valid(spoiled)


def test_asyncapi_names_the_seven_topics_and_its_references_resolve() -> None:
    asyncapi = yaml.safe_load((SCHEMAS / "asyncapi.yaml").read_text(encoding="utf-8"))
    assert asyncapi == document()
    addresses = {channel["address"] for channel in asyncapi["channels"].values()}
    assert addresses == {COMMANDS, LEDGER, GOVERNANCE_COMMANDS, GOVERNANCE, CHANGES, HEADS, SNAPSHOTS}
    messages = asyncapi["components"]["messages"]
    for channel in asyncapi["channels"].values():
        for reference in channel["messages"].values():
            assert reference["$ref"].removeprefix("#/components/messages/") in messages
    for message in messages.values():
        assert (SCHEMAS / message["payload"]["$ref"]).is_file()
    for operation in asyncapi["operations"].values():
        assert operation["channel"]["$ref"].removeprefix("#/channels/") in asyncapi["channels"]
