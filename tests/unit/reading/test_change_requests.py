"""Whether a governance change is sent directly or becomes a request: one answer for all senders."""

import msgspec
import pytest

from assent.reading.change_prospects import foresee, request_for
from assent_contracts.commands import SubmitChange
from assent_contracts.governance_changes import (
    ChangeSettings,
    DisablePrincipal,
    EnablePrincipal,
    GovernanceChange,
)
from assent_contracts.governance_objects import Settings
from assent_contracts.refusals import Refusal, RefusalCode
from tests.unit.cli.organisation import AT, organisation

FIELDS = {"id": "c-1", "principal": "bob", "at": AT}
CHANGE = ChangeSettings(settings=Settings(expiry_ms=60 * 86_400_000), version=0)


@pytest.mark.parametrize(
    ("change", "at_once"),
    [(DisablePrincipal(principal="erin"), True), (EnablePrincipal(principal="erin"), False), (CHANGE, False)],
    ids=lambda value: type(value).__name__,
)
def test_R15_change_takes_effect_at_once_if_no_second_administrator_must_approve(
    change: GovernanceChange, *, at_once: bool
) -> None:
    prospect = foresee(organisation(), change, "bob", AT)
    assert (prospect.works_at_once, prospect.why_approval is None) == (at_once, at_once)


@pytest.mark.parametrize(
    ("justification", "code"),
    [
        ("", RefusalCode.JUSTIFICATION_REQUIRED),
        (" ", RefusalCode.JUSTIFICATION_REQUIRED),
        ("j" * 1_025, RefusalCode.TOO_LARGE),
    ],
)
def test_R6_request_for_a_change_without_a_justification_is_refused_unsent(
    justification: str, code: RefusalCode
) -> None:
    answer = request_for(CHANGE, justification, FIELDS)
    assert isinstance(answer, Refusal)
    assert answer.code == code


def test_R18_request_carries_the_change_as_its_payload() -> None:
    command = request_for(CHANGE, "Holidays", FIELDS)
    assert isinstance(command, SubmitChange)
    assert (command.principal, command.operation, command.justification) == ("bob", "edit", "Holidays")
    assert msgspec.json.decode(bytes(command.payload), type=ChangeSettings) == CHANGE
