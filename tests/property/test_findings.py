"""R28: any interleaving of reports records each change at a target once."""

from typing import Any

import hypothesis.strategies as st
import msgspec
from hypothesis import given

from assent_contracts.commands import ReportFinding
from assent_contracts.core.governance.state import Governance
from assent_contracts.events import FindingReported
from assent_contracts.refusals import Refusal
from tests.support.governance_changes import add_reconciler
from tests.support.people import organisation
from tests.support.stories import SCRIPT, Story

REPORTERS = ("reconciler", "reconciler2", "reconciler3")


def governed() -> Governance:
    governance = organisation()
    for name in REPORTERS:
        add_reconciler(governance, name)
    return governance


GOVERNANCE = governed()


class Reporter:
    """One reconciler: what it has read of the ledger, and what it is about to send."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.read = 0
        self.sending: list[tuple[str, str | None]] = []

    def look(self, ledger: list[FindingReported], history: list[str]) -> None:
        """Read the ledger, compare the target's history with it, and prepare a report of the first that
        is not there. A restart is a second look: nothing is kept but the ledger.
        """
        known = [each.version for each in ledger]
        new = [version for version in history if version not in known]
        self.sending = [(new[0], ledger[-1].finding if ledger else None)] if new else []


@given(
    steps=st.lists(
        st.one_of(
            st.just("change"),
            st.tuples(st.sampled_from(["look", "send"]), st.sampled_from(range(len(REPORTERS)))),
        ),
        max_size=60,
    )
)
def test_R28_each_change_is_recorded_once_in_its_order(steps: list[Any]) -> None:
    story, ledger, history = Story(governance=GOVERNANCE), list[FindingReported](), list[str]()
    reporters = [Reporter(name) for name in REPORTERS]
    sent = 0

    def send(reporter: Reporter) -> None:
        nonlocal sent
        for version, previous in reporter.sending:
            sent += 1
            command = ReportFinding(
                id=f"r-{sent}", principal=reporter.name, at=story.at, resource=SCRIPT,
                target="web", kind="unexplained", seen_at=story.at, version=version,
                previous=msgspec.UNSET if previous is None else previous,
            )  # fmt: skip
            answer = story.send(command)
            if not isinstance(answer, Refusal):
                [event] = answer
                assert isinstance(event, FindingReported)
                ledger.append(event)

    for step in steps:
        if step == "change":
            history.append(f"v{len(history)}")
        elif step[0] == "look":
            reporters[step[1]].look(ledger, history)
        else:
            send(reporters[step[1]])  # perhaps a second time, as after a lost answer
    for _ in range(len(history)):
        reporters[0].look(ledger, history)
        send(reporters[0])
    assert [each.version for each in ledger] == history
