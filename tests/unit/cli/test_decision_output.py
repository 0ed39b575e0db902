"""Answers of the ledger as `--json` prints them."""

from typing import get_args

import msgspec
import pytest

from assent.cli.decision_output import decision_document
from assent_contracts.client.publisher import Decided
from assent_contracts.events import ChangeSubmitted, Event
from assent_contracts.refusals import Refusal, RefusalCode
from tests.contract.examples import EVENT_VARIANTS, EVENTS, tag

ALL = (*EVENTS, *EVENT_VARIANTS.values())


@pytest.mark.parametrize("event", ALL, ids=tag)
def test_every_event_is_printed_with_its_type_and_without_absent_fields(event: Event) -> None:
    decided = Decided(partition=1, seq=2, at=3, events=(event,), refusal=None)
    document = msgspec.json.decode(msgspec.json.encode(decision_document(decided)))
    assert document["events"] == [msgspec.json.decode(msgspec.json.encode(event))]
    assert document["events"][0]["type"] == f"assent.{tag(event)}"


def test_request_of_a_decision_is_at_the_top_and_null_where_there_is_none() -> None:
    submitted = next(event for event in EVENTS if isinstance(event, ChangeSubmitted))
    decided = Decided(partition=1, seq=2, at=3, events=(submitted,), refusal=None)
    assert decision_document(decided)["request"] == submitted.request
    refusal = Refusal(code=RefusalCode.RESOURCE_LOCKED, detail="It is open.")
    refused = Decided(partition=1, seq=2, at=3, events=(), refusal=refusal)
    assert decision_document(refused)["request"] is None
    assert decision_document(None)["request"] is None


def test_examples_include_every_kind_of_event() -> None:
    assert {type(event) for event in ALL} == set(get_args(Event))
