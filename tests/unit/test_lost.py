"""What `assent up` reports about a lost part of the log."""

import asyncio

import pytest

from assent.local import loss_notices
from assent.local.loss_notices import LossNotices, lost_places
from assent.observe.health import STARTING, Reason
from assent.observe.readiness import Readiness

PLACE = "assent.ledger/3"


def gone(why: str, place: str = PLACE) -> Readiness:
    return Readiness({"history": Reason(why=why, todo="Do this.", place=place), "kafka": STARTING})


def test_each_part_is_named_once_and_a_slow_condition_is_not() -> None:
    said = {
        "decider": gone("By the decider."),
        "audit": gone("By audit."),
        "status": gone("Elsewhere.", "assent.governance/0"),
        "notify": Readiness({"": STARTING}),
    }
    assert {place: reason.why for place, reason in lost_places(said).items()} == {
        PLACE: "By the decider.",
        "assent.governance/0": "Elsewhere.",
    }


def test_loss_is_reported_once_and_again_when_it_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = [gone("Gone."), gone("Gone, still."), Readiness({})]
    told: list[str] = []
    looking = LossNotices({"decider": "http://nowhere"}, told.append)
    for answer in answers:
        monkeypatch.setattr(loss_notices, "readiness", lambda _, answer=answer: answer)
        asyncio.run(looking.look())
    assert told == ["Gone. Do this.", f"{PLACE} is no longer reported as missing."]
