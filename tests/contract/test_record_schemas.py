"""Every record that a log can have fits its schema, whatever it embeds."""

import json
from collections.abc import Iterator
from functools import cache
from typing import Any, Final

import pytest
from jsonschema import Draft202012Validator

from assent_contracts.commands import SubmitChange, command_type
from assent_contracts.governance_changes import DefineGroup
from assent_contracts.governance_objects import Group
from assent_contracts.schemas.messages import all_schemas
from assent_contracts.topics import LedgerName
from tests.contract.test_vectors import accepted_governance, accepted_requests, read, records
from tests.support.chains import Chains

_SCHEMA_OF: Final = {"governance": "governance-record.json", "ledger": "ledger-record.json"}


@cache
def validator(ledger: LedgerName) -> Draft202012Validator:
    return Draft202012Validator(all_schemas()[_SCHEMA_OF[ledger]])


def misfits(ledger: LedgerName, values: Iterator[bytes]) -> list[str]:
    """What is wrong with the records, as the schema sees it."""
    errors = (each for value in values for each in validator(ledger).iter_errors(json.loads(value)))
    return [f"{each.json_path}: {each.message[:300]}" for each in errors]


@pytest.mark.parametrize("name", ["acceptance", "answers", "changes"])
def test_records_of_the_vectors_fit_their_schemas(name: str) -> None:
    vectors = read(name)
    logs: list[tuple[list[Any], list[Any]]] = [(vectors["governance"], vectors.get("ledger", []))]
    for case in vectors.get("ledgers", []):
        shared = vectors["governance"] if case.get("shared", True) else []
        logs.append((shared + case["governance"], case["ledger"]))
    seen = 0
    for governance, ledger in logs:
        writers, offsets = accepted_governance(vectors["identity"], governance)
        counted = [value for offset, value, _ in records(governance) if offset in offsets and value]
        _, accepted = accepted_requests(vectors, ledger, writers)
        assert misfits("governance", iter(counted)) == []
        assert misfits("ledger", (each.value for each in accepted)) == []
        seen += len(counted) + len(accepted)
    assert seen > 20


def test_record_that_carries_a_release_out_fits_with_the_submission_that_it_embeds() -> None:
    chains = Chains()
    change = DefineGroup(group=Group(id="people", name="People", members=("bob",)))
    chains.carry(chains.released(change))
    carried = chains.governance.records[-1].value
    assert json.loads(carried)["command"]["value"]["type"] == command_type(SubmitChange)
    assert misfits("governance", (each.value for each in chains.governance.records)) == []
    assert misfits("ledger", (each.value for each in chains.requests.records)) == []
    spoiled = carried.replace(b'"operation"', b'"operatoin"')
    assert misfits("governance", iter([spoiled]))
