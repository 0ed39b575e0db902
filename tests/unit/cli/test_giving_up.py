"""What is given up with a loss, by name."""

from assent.cli.loss_plan import named_lines
from assent.store.given_up import GivenUpChange, GivenUpRows, LostRequest


def request(number: int) -> LostRequest:
    return LostRequest(id=f"0-{number}", resource="script/a", status="approved", requester="alice")


def test_governance_comes_first_and_long_lists_are_cut() -> None:
    change = GivenUpChange(
        seq=31, at=1, principal="bob", resource="account/carol", command="disable", outcome="assent.x"
    )
    lines = named_lines(
        GivenUpRows(
            governance=(change,),
            governance_count=1,
            requests=tuple(map(request, range(60))),
            requests_count=12_345,
        )
    )
    assert lines[1] == "  seq 31: disable account/carol by bob"
    assert lines[3] == "  0-0 script/a: approved, asked for by alice"
    assert lines[-1] == "  and 12,295 more"
    assert len(lines) == 2 + 1 + 50 + 1


def test_empty_list_of_given_up_rows_is_stated() -> None:
    assert named_lines(GivenUpRows()) == ["Postgres has no rows of what is given up."]
