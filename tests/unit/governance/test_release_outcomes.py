"""R12: which waiting requests governance has ended, by the outcomes that its ledger has."""

import pytest

from assent_contracts.core.governance.state import Governance, ReleaseOutcome
from assent_contracts.core.requests.release_outcome import release_outcomes_due
from assent_contracts.events import RequestCompleted
from tests.support.people import organisation
from tests.unit.governance.proposals import Proposal
from tests.unit.governance.test_administrators_of_a_type import edited


@pytest.fixture
def governance() -> Governance:
    return organisation()


@pytest.fixture
def released(governance: Governance) -> Proposal:
    """carol's change of a policy waits to be carried out."""
    steps = ("carol submits", "dave approves", "carol completes")
    return Proposal(governance, edited(governance, 1)).given(*steps)


def due(proposal: Proposal, seen: int = -1) -> list[tuple[str, str]]:
    found = release_outcomes_due(proposal.story.state, proposal.governance, seen)
    return [(resource, type(event).__name__) for resource, event in found]


def test_request_ends_with_its_own_outcome(released: Proposal) -> None:
    released.governance.release_outcomes[released.story.request] = ReleaseOutcome(40, 3)
    assert due(released) == [("access-policy/scripts", RequestCompleted.__name__)]


def test_outcome_of_another_partition_s_request_with_the_same_number_ends_nothing(released: Proposal) -> None:
    partition, seq = released.story.request.split("-")
    released.governance.release_outcomes[f"{int(partition) + 1}-{seq}"] = ReleaseOutcome(40, 3)
    assert due(released) == []


def test_outcome_that_names_no_request_hides_no_other(released: Proposal) -> None:
    """Only a stolen writer key can make one."""
    released.governance.release_outcomes["nonsense"] = ReleaseOutcome(39, 3)
    released.governance.release_outcomes[released.story.request] = ReleaseOutcome(40, 3)
    assert due(released) == [("access-policy/scripts", RequestCompleted.__name__)]


def test_outcome_that_was_returned_before_is_not_returned_again(released: Proposal) -> None:
    released.governance.release_outcomes[released.story.request] = ReleaseOutcome(40, 3)
    assert len(due(released, 39)) == 1
    assert due(released, 40) == []
