"""What a reader of evidence says of a record that proves nothing."""

from assent_contracts.evidence.past import KEPT, Past
from assent_contracts.evidence.requests import RequestsEvidence
from assent_contracts.ledger import decode_events
from tests.support.chains import PARTITION, Chains
from tests.support.stolen import StolenLog, here


def evidence(log: StolenLog) -> RequestsEvidence:
    governance, _ = log.judged()
    requests = RequestsEvidence(PARTITION, governance)
    for accepted in log.requests.records:
        requests.take(accepted.record, decode_events(accepted.record))
    return requests


def test_a_request_that_was_never_submitted_lacks_everything() -> None:
    log = StolenLog()
    log.submit(here("script"))
    assert evidence(log).lacking(99, confirmed=False) == "nobody has submitted it"


def test_what_is_known_of_the_past_is_kept_for_the_few_that_are_asked_for() -> None:
    chains = Chains()
    past = Past(chains.history)
    states = [past.at(seq) for seq in range(KEPT + 2)]
    assert [state.seq for state in states] == list(range(KEPT + 2))
    assert past.at(0) is not states[0]
    assert past.at(KEPT + 1) is states[-1]
    assert past.at(0).seq == 0


def test_nothing_is_judged_by_governance_that_was_not_read() -> None:
    governance, _ = StolenLog().judged()
    beyond = len(governance.history)
    assert governance.lacking(beyond) == f"governance seq {beyond} is not known here"
