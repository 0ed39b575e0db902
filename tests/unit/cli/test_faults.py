"""`assent doctor`: one fault of the log is reported first and once, and hides no other fault."""

from typing import Final

import pytest

from assent.cli.diagnosis.check import Check
from assent.cli.diagnosis.examination import service_findings
from assent.cli.diagnosis.faults import faults, others, with_causes
from assent.decider.missing_log_parts import MissingError, missing_because
from assent.observe.failure_reasons import kafka_reason, reason_of
from assent.observe.health import Reason
from assent.observe.readiness import Readiness
from assent.store.postgres_reasons import reason
from assent_contracts.client.follower import NotWholeError
from assent_contracts.client.partition_probe import LedgerDiffersError
from assent_contracts.heads import Finding, Found, compare, known_of
from tests.unit.cli.test_log_checks import positions

PUT_BACK: Final = "Put it back."


def cut(partition: int, known: int = 9) -> Finding:
    found = compare(known_of("ledger", partition, positions(known)[0].head), Found(beginning=0, end=3))
    assert found is not None
    return found


def looked_at(name: str, fault: str = "") -> Check:
    return Check(ok=False, what=f"{name} is whole", why=f"{name} is short.", remedy=PUT_BACK, fault=fault)


def of(service: str, condition: str, said: Reason) -> Check:
    [found] = service_findings(service, Readiness({condition: said}))
    return found


def test_services_symptoms_of_one_fault_are_attributed_to_it() -> None:
    first, second = looked_at("one", "assent.ledger/1 cut"), looked_at("two", "assent.ledger/2 cut")
    follow = [
        of("decider", "partition-1", missing_because(MissingError(cut(1)))),
        # It knows less than the decider does, and it is the same fault.
        of("status", "history of assent.ledger/1", reason_of(cut(1, known=7))),
        of("status", "history of assent.ledger/2", reason_of(cut(2))),
    ]
    fine = Check(ok=True, what="fine")
    marked = with_causes([fine, *follow, first, second])
    assert marked == [fine, *follow, first, second]
    [fault] = faults(marked)
    assert fault.what == "the log is whole: 2 parts of it are not"
    assert fault.whys == ["one is short.", "two is short."]
    assert fault.remedy == PUT_BACK
    assert "3 more checks fail because of this" in fault.follows
    assert "decider (1), status (2)" in fault.follows
    assert others(marked) == [fine]


def test_fault_of_another_kind_or_place_explains_nothing() -> None:
    cause = looked_at("one", "assent.ledger/1 other-history")
    elsewhere = of("status", "history of assent.ledger/2", reason_of(cut(2)))
    of_another_kind = of("status", "history of assent.ledger/1", reason_of(cut(1)))
    # The same words, and no fault of the log.
    alike = of("audit", "kafka", Reason(why=cause.why, todo=PUT_BACK))
    marked = with_causes([cause, elsewhere, of_another_kind, alike])
    assert [each.follows_from for each in marked] == ["", "", "", ""]
    assert [fault.follows for fault in faults(marked)] == ["", ""]
    assert [line for fault in faults(marked) for line in fault.whys] == [
        cause.why,
        elsewhere.why,
        of_another_kind.why,
    ]
    assert others(marked) == [alike]


def test_fault_that_only_services_see_is_reported_by_the_first_of_them() -> None:
    first, second = (
        of(name, "history of assent.ledger/1", reason_of(cut(1))) for name in ("notify", "applier")
    )
    cause, follows = with_causes([first, second])
    assert (cause.fault, cause.follows_from) == ("assent.ledger/1 cut", "")
    assert (follows.fault, follows.follows_from) == ("", "assent.ledger/1 cut")
    [fault] = faults([cause, follows])
    assert fault.what == first.what
    assert fault.whys == [first.why]
    assert "1 more check fails because of this alone: applier (1)" in fault.follows


@pytest.mark.parametrize(
    "said",
    [
        reason_of(cut(3)),
        kafka_reason(LedgerDiffersError([cut(3)])),
        reason(NotWholeError(cut(3))),
        missing_because(MissingError(cut(3))),
    ],
)
def test_reason_names_the_fault_by_place_and_kind_whoever_gives_it(said: Reason) -> None:
    assert said.fault == "assent.ledger/3 cut"
    assert Reason(why=said.why, todo=said.todo).fault == ""
