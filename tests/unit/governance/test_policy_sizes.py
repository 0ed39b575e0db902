"""A record that readers would refuse is refused first: a submission's record repeats every policy."""

import pytest

from assent_contracts import limits
from assent_contracts.acceptance import first_head
from assent_contracts.access_policies import ApprovalRule, Policy
from assent_contracts.core.governance.decide import decide_change
from assent_contracts.core.governance.state import Governance
from assent_contracts.core.writer.chain import Chain, RecordTooLargeError
from assent_contracts.governance_changes import CreatePolicy
from assent_contracts.governance_messages import GroupDefined
from assent_contracts.governance_objects import Group
from assent_contracts.refusals import Refusal, RefusalCode
from tests.support.people import START, organisation


def _large(governance: Governance, number: int) -> Policy:
    names = tuple(f"{'g' * 120}-{each:03}" for each in range(limits.GROUPS_MAX))
    for name in names:
        if name not in governance.groups:
            group = Group(id=name, members=("bob", "carol", "dave"))
            governance.evolve(governance.seq + 1, (GroupDefined(group=group),))
    rules = (ApprovalRule(quorum=1, groups=names),) * limits.RULES_MAX
    return Policy(id=f"large-{number}", name="Large", resource_type="app", approvals=rules)


def test_policies_of_one_type_have_a_joint_limit() -> None:
    governance = organisation()
    answers = []
    for number in range(8):
        policy = _large(governance, number)
        decision = decide_change(governance, CreatePolicy(policy=policy), START)
        answers.append(decision)
        if not isinstance(decision, Refusal):
            governance.evolve(governance.seq + 1, decision)
    assert not isinstance(answers[0], Refusal)
    assert [each.code for each in answers[1:] if isinstance(each, Refusal)][:6] == [RefusalCode.TOO_LARGE] * 6
    other = Policy(
        id="other", name="Other", resource_type="printer", approvals=_large(governance, 9).approvals
    )
    assert not isinstance(decide_change(governance, CreatePolicy(policy=other), START), Refusal)


def test_record_that_readers_would_refuse_is_not_made() -> None:
    chain = Chain(first_head("ledger", "1d" * 32), epoch=1)
    before = (chain.seq, chain.value_sha256)
    huge = tuple(GroupDefined(group=Group(id=str(n), members=("m" * 1_000,) * 100)) for n in range(20))
    with pytest.raises(RecordTooLargeError):
        chain.link(None, huge, at=START)
    assert (chain.seq, chain.value_sha256) == before
