"""Every command on a request, from everybody, in every status: its answer, and the rule that determines it.

command x role x relation to the request x status x type of resource, each by a real decision.
"""

from collections import Counter
from collections.abc import Callable

import pytest

from tests.support.two_ledgers import answer
from tests.unit.authorization.request_cells import COMMANDS, KINDS, ROLES, STATUSES, Cell, statuses_of
from tests.unit.authorization.request_rules import RULES, explain
from tests.unit.authorization.request_world import ACTORS, world


def cells(command: str, status: str) -> list[Cell]:
    """The matrix's cells of one command and status."""
    return [
        Cell(command, role, relation, status, kind)
        for kind in KINDS
        if status in statuses_of(kind)
        for role in ROLES
        for relation in ACTORS
    ]


@pytest.mark.parametrize("status", STATUSES)
@pytest.mark.parametrize("command", COMMANDS)
def test_every_cell_is_answered_as_its_rule_says(command: str, status: str) -> None:
    wrong: list[str] = []
    for cell in cells(command, status):
        explained = explain(cell)
        assert explained is not None, f"no rule explains {cell}"
        rule, expected = explained
        got = answer(world(cell.kind, status).answer(cell))
        if got != expected:
            wrong.append(f"{cell}: {got}, and {rule} says {expected}")
    assert not wrong, f"{len(wrong)} cells:\n" + "\n".join(wrong[:20])


def test_every_rule_explains_a_cell_and_every_cell_has_a_rule(
    record_property: Callable[[str, object], None],
) -> None:
    everything = [cell for command in COMMANDS for status in STATUSES for cell in cells(command, status)]
    explained = Counter((explain(cell) or ("none", ""))[0] for cell in everything)
    assert not explained.keys() - {rule.id for rule in RULES}
    assert not {rule.id for rule in RULES} - explained.keys()
    assert len({rule.id for rule in RULES}) == len(RULES)
    record_property("cells", len(everything))
    print(f"{len(everything):,} cells, by {len(RULES)} rules: {dict(explained)}")
