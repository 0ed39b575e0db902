"""Every change to governance, from every role, for oneself or others, before and after the first policy."""

from collections import Counter
from collections.abc import Callable
from itertools import product
from typing import get_args

import msgspec
import pytest

from assent_contracts.commands import command_type
from assent_contracts.governance_changes import GovernanceChange
from assent_contracts.refusals import Refusal
from tests.unit.authorization.governance_rules import (
    AT_ONCE,
    GOVERNANCE_RULES,
    OWNERS,
    PHASES,
    ROLES,
    SIGNERS,
    GovernanceCell,
    explain_change,
)
from tests.unit.authorization.governance_world import CHANGES, answer_to

EVENTS = {
    "register-principal": "assent.principal-registered.v1",
    "enable-principal": "assent.principal-enabled.v1",
    "disable-principal": "assent.principal-disabled.v1",
    "set-operator": "assent.operator-set.v1",
    "register-key": "assent.key-registered.v1",
    "expire-key": "assent.key-expires.v1",
    "revoke-key": "assent.key-revoked.v1",
    "revoke-keys": "assent.keys-revoked.v1",
    "add-writer": "assent.writer-added.v1",
    "retire-writer": "assent.writer-retired.v1",
    "correct-time": "assent.time-corrected.v1",
    "define-group": "assent.group-defined.v1",
    "delete-group": "assent.group-deleted.v1",
    "assign-role": "assent.role-assigned.v1",
    "withdraw-role": "assent.role-withdrawn.v1",
    "change-settings": "assent.settings-changed.v1",
    "create-policy": "assent.policy-created.v1",
    "edit-policy": "assent.policy-edited.v1",
    "delete-policy": "assent.policy-deleted.v1",
    "sync-directory": "assent.directory-synced.v1",
}
"""The event of each kind of change, if it takes effect at once."""


def cells(change: str, phase: str) -> list[GovernanceCell]:
    """The matrix's cells of one change and phase."""
    return [
        GovernanceCell(change, role, owner, phase, signer)
        for role, owner, signer in product(ROLES, OWNERS, SIGNERS)
    ]


def said(decision: tuple[object, ...] | Refusal, kind: str) -> str:
    """`at once` for exactly the event that this kind of change makes; otherwise what happened instead."""
    if isinstance(decision, Refusal):
        return decision.code.value
    names = [command_type(event) for event in decision if isinstance(event, msgspec.Struct)]
    return AT_ONCE if names == [EVENTS[kind]] else " + ".join(names)


@pytest.mark.parametrize("phase", PHASES)
@pytest.mark.parametrize("change", CHANGES)
def test_R3_every_cell_is_answered_as_its_rule_says(change: str, phase: str) -> None:
    wrong: list[str] = []
    for cell in cells(change, phase):
        explained = explain_change(cell)
        assert explained is not None, f"no rule explains {cell}"
        rule, expected = explained
        got = said(answer_to(cell), cell.kind)
        if got != expected:
            wrong.append(f"{cell}: {got}, and {rule} says {expected}")
    assert not wrong, f"{len(wrong)} cells:\n" + "\n".join(wrong[:20])


def test_every_rule_explains_a_cell_and_every_kind_of_change_is_included(
    record_property: Callable[[str, object], None],
) -> None:
    everything = [cell for change in CHANGES for phase in PHASES for cell in cells(change, phase)]
    explained = Counter((explain_change(cell) or ("none", ""))[0] for cell in everything)
    assert explained.keys() == {rule.id for rule in GOVERNANCE_RULES}
    kinds = {command_type(change) for change in get_args(GovernanceChange)}
    assert {f"assent.{cell.kind}.v1" for cell in everything} == kinds
    record_property("cells", len(everything))
    print(f"{len(everything):,} cells, by {len(GOVERNANCE_RULES)} rules: {dict(explained)}")
