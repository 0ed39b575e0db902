"""Exports of a directory: their content, their errors, and the resulting difference."""

import json

import msgspec
import pytest

from assent.cli.directory_sync import steps_of
from assent.directory.directory_export import EXPORT_MAX_BYTES, Export, ExportError
from assent.directory.export_comparison import directory_difference, fitting_difference, parts, usable_export
from assent.directory.export_reading import parse_export
from assent.directory.nested_groups import flattened
from assent_contracts.access_policies import ApprovalRule, Policy
from assent_contracts.core.governance.decide import decide_change
from assent_contracts.core.governance.state import Governance
from assent_contracts.governance_changes import DIRECTORY, SyncDirectory
from assent_contracts.governance_messages import (
    GroupDefined,
    PolicyCreated,
    PrincipalDisabled,
    PrincipalRegistered,
    SettingsChanged,
)
from assent_contracts.governance_objects import Account, DirectoryDifference, Group, Settings
from assent_contracts.limits import MEMBERS_MAX, NESTING_MAX
from assent_contracts.refusals import Refusal
from tests.unit.cli.organisation import organisation

AT = 1_800_000_000_000
CSV = """kind,id,person,name,member_of,active
user,ann,ann.p,Ann,inner,true
user,ben,ben.p,Ben,outer;other,
user,cat,cat.p,Cat,outer,false
group,outer,,Everybody,,
group,middle,,,outer,
group,inner,,,middle;other,
group,other,,Everybody,,
"""


ANY_MAY_VANISH = (SettingsChanged(settings=Settings(vanish_max_percent=100)),)


def export(users: str = "", groups: dict[str, tuple[str, str]] | None = None) -> Export:
    """Users `a b c`; groups by id with `members` and `nested groups`, each between spaces."""
    rows = [{"id": name, "person": f"{name}.p"} for name in users.split()]
    nested = [
        {"id": name, "members": members.split(), "groups": inner.split()}
        for name, (members, inner) in (groups or {}).items()
    ]
    return parse_export(json.dumps({"users": rows, "groups": nested}).encode())


def synced(governance: Governance, what: Export) -> DirectoryDifference:
    """Apply the difference, part by part; returns it."""
    difference = directory_difference(what, governance)
    taken(governance, difference)
    return difference


def taken(governance: Governance, difference: DirectoryDifference) -> None:
    """Apply a difference, part by part."""
    for part in parts(difference):
        change = SyncDirectory(difference=part, version=governance.version(DIRECTORY))
        decision = decide_change(governance, change, AT)
        assert not isinstance(decision, Refusal), decision
        governance.evolve(governance.seq + 1, decision)


def test_csv_and_json_are_equivalent() -> None:
    from_csv = flattened(parse_export(CSV.encode()))
    groups = {
        "outer": ("ben cat", "middle"),
        "middle": ("", "inner"),
        "inner": ("ann", ""),
        "other": ("ben", "inner"),
    }
    from_json = flattened(export("ann ben", groups | {"outer": ("ben", "middle")}))
    assert {name: each.members for name, each in from_csv.items()} == {
        name: each.members for name, each in from_json.items()
    }
    assert from_csv["outer"].members == ("ann", "ben")


def test_nested_member_keeps_the_shortest_path_outermost_first() -> None:
    groups = flattened(parse_export(CSV.encode()))
    assert groups["outer"].paths == {"ann": ("middle", "inner")}
    assert groups["other"].paths == {"ann": ("inner",)}
    shorter = flattened(export("ann", {"a": ("", "b d"), "b": ("", "c"), "c": ("ann", ""), "d": ("ann", "")}))
    assert shorter["a"].paths == {"ann": ("d",)}
    direct = flattened(export("ann", {"a": ("ann", "b"), "b": ("ann", "")}))
    assert direct["a"].paths == {}


@pytest.mark.parametrize(
    ("groups", "cycle"),
    [
        ({"a": ("", "a")}, "a > a"),
        ({"a": ("", "b"), "b": ("", "a")}, "a > b > a"),
        ({"x": ("", "a"), "a": ("", "b"), "b": ("", "c"), "c": ("", "a")}, "a > b > c > a"),
    ],
)
def test_cycle_is_refused_and_named(groups: dict[str, tuple[str, str]], cycle: str) -> None:
    with pytest.raises(ExportError, match=f"nested in itself: {cycle}"):
        flattened(export("", groups))


def test_many_paths_through_the_same_groups_are_visited_once_each() -> None:
    """The paths of a ladder double with each rung, and a long chain is deep: no recursion can walk them."""
    ladder = {
        f"{side}{n}": ("", f"l{n + 1} r{n + 1}" if n < NESTING_MAX - 2 else "")
        for n in range(NESTING_MAX - 1)
        for side in "lr"
    }
    assert len(flattened(export("", ladder))) == 2 * (NESTING_MAX - 1)
    chain = {f"g{n}": ("", f"g{n + 1}" if n < 5_000 else "") for n in range(5_001)}
    with pytest.raises(ExportError, match="more than 16 deep"):
        flattened(export("", chain))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "line 1: the header"),
        ("kind,id\n", "line 1: the header"),
        ("kind,id,person,name,member_of\nuser,a\n", "line 2: it has 2 cells"),
        ("kind,id,person,name,member_of\nuser,a,,,\n", "line 2: the user 'a' has no person"),
        ("kind,id,person,name,member_of\n\nrobot,a,p,,\n", "line 3: kind is user or group"),
        ("kind,id,person,name,member_of\nuser,,p,,\n", "line 2: the id is empty"),
        (
            "kind,id,person,name,member_of\nuser,a,p,,\nuser,a,p,,\n",
            "line 3: the user 'a' appears twice, first at line 2",
        ),
        (
            "kind,id,person,name,member_of\ngroup,a,,,\ngroup,a,,,\n",
            "line 3: the group 'a' appears twice",
        ),
        (
            "kind,id,person,name,member_of\nuser,a,p,,ghosts\n",
            "line 2: 'a' is a member of 'ghosts', which is not exported",
        ),
        ("kind,id,person,name,member_of,active\nuser,a,p,,,maybe\n", "line 2: active is true or false"),
        ('kind,id,person,name,member_of\nuser,"a,p,,\n', "it is not CSV"),
        ('{"users": [\n{"id": }]}', "line 2: it is not JSON"),
        ('{"users": [{"id": 1, "person": "p"}]}', "users[0].id: Expected `str`, got `int`"),
        ('{"users": [{"id": "a", "person": "p", "admin": true}]}', "users[0]: Object contains unknown field"),
        (
            '{"users": [], "groups": [{"id": "g", "members": ["a"]}]}',
            "groups[0]: group 'g' names the user 'a', which is not",
        ),
        (
            '{"users": [], "groups": [{"id": "g", "groups": ["h"]}]}',
            "groups[0]: group 'g' names the group 'h', which is not",
        ),
        ("{" + "[" * 100_000, "it is not JSON"),
    ],
    ids=range(17),
)
def test_errors_are_named_with_their_place(text: str, said: str) -> None:
    with pytest.raises(ExportError) as raised:
        parse_export(text.encode())
    assert said in str(raised.value)


def test_too_large_and_not_utf8_are_refused() -> None:
    with pytest.raises(ExportError, match="larger than 33,554,432 bytes"):
        parse_export(b" " * (EXPORT_MAX_BYTES + 1))
    with pytest.raises(ExportError, match="line 2: it is not UTF-8"):
        parse_export(b"kind\n\xff")


def test_groups_are_identified_by_id_never_by_name() -> None:
    """Two groups are called Everybody; a member of one is not in the other."""
    governance = Governance()
    synced(governance, parse_export(CSV.encode()))
    assert governance.groups["outer"].name == governance.groups["other"].name == "Everybody"
    assert governance.groups["outer"].paths != governance.groups["other"].paths


def test_second_synchronisation_changes_nothing() -> None:
    governance = Governance()
    synced(governance, parse_export(CSV.encode()))
    assert directory_difference(parse_export(CSV.encode()), governance) == DirectoryDifference()
    assert parts(DirectoryDifference()) == ()


def test_missing_or_inactive_account_is_disabled_and_comes_back() -> None:
    governance = Governance()
    everybody = export("ann ben", {"g": ("ann ben", "")})
    synced(governance, everybody)
    gone = synced(governance, export("ann", {"g": ("ann", "")}))
    assert (gone.vanished, gone.groups[0].members) == (("ben",), ("ann",))
    assert not governance.principals["ben"].enabled
    assert directory_difference(export("ann", {"g": ("ann", "")}), governance) == DirectoryDifference()
    synced(governance, everybody)
    assert governance.principals["ben"].enabled


def test_manual_entries_stay() -> None:
    governance = Governance()
    hand = (
        PrincipalRegistered(account=Account(id="zoe", kind="human", person="zoe.p")),
        GroupDefined(group=Group(id="team", members=("zoe",))),
    )
    governance.evolve(0, hand)
    difference = synced(governance, export("ann", {"g": ("ann", "")}))
    assert (difference.vanished, difference.vanished_groups) == ((), ())


def test_manually_disabled_account_is_not_enabled_by_the_directory() -> None:
    governance = Governance()
    synced(governance, export("ann ben"))
    governance.evolve(governance.seq + 1, (PrincipalDisabled(principal="ben"),))
    assert directory_difference(export("ann ben"), governance) == DirectoryDifference()
    assert directory_difference(export("ann"), governance) == DirectoryDifference()


def test_large_difference_is_split_into_fitting_parts_with_removals_first() -> None:
    difference = DirectoryDifference(
        accounts=tuple(
            Account(id=f"u{n}", kind="human", person=f"u{n}.p", source="directory") for n in range(200)
        ),
        groups=(Group(id="g", members=("u1",), source="directory"),),
        vanished_groups=("old",),
        vanished=("x", "y"),
    )
    made = parts(difference, max_bytes=4_096)
    assert len(made) > 2
    assert all(len(msgspec.json.encode(part)) <= 4_096 for part in made)
    assert sum((part.accounts for part in made), ()) == difference.accounts
    assert (made[0].vanished, made[-1].vanished) == (("x", "y"), ())
    last = parts(difference, max_bytes=4_096, leavers_last=True)
    assert (last[0].vanished, last[-1].vanished) == ((), ("x", "y"))


def people(count: int) -> str:
    """This many users, whose ids are as long as addresses."""
    return " ".join(f"somebody.{n:05}@a-company.example" for n in range(count))


def test_group_of_6000_is_left_out_by_name_and_the_leavers_are_disabled() -> None:
    """Its members' ids alone are more than one change can contain; everything else continues."""
    governance = Governance()
    governance.evolve(0, ANY_MAY_VANISH)
    few = export("ann ben", {"all": ("ann ben", ""), "small": ("ben", "")})
    synced(governance, few)
    everybody = f"{people(6_000)} ann"
    now = export(everybody, {"all": (everybody, ""), "small": ("ann", "")})
    difference, left_out = fitting_difference(directory_difference(now, governance), governance)
    assert [(each.id, "one change at most" in each.why) for each in left_out] == [("all", True)]
    taken(governance, difference)
    assert not governance.principals["ben"].enabled
    assert governance.groups["small"].members == ("ann",)
    assert governance.groups["all"].members == ("ann",), "who left it is out of it; who came is not in it"
    assert len(governance.principals) == 6_002


def test_new_group_that_is_too_large_is_left_out_whole() -> None:
    governance = Governance()
    now = export("ann", {"all": ("ann", ""), "other": ("ann", "")})
    difference, left_out = fitting_difference(
        directory_difference(now, governance), governance, max_bytes=580
    )
    assert [each.id for each in left_out] == []
    difference, left_out = fitting_difference(
        directory_difference(now, governance), governance, max_bytes=540
    )
    assert [each.id for each in left_out] == ["all", "other"]
    assert difference.groups == ()


def test_group_with_more_members_than_permitted_is_left_out() -> None:
    group = Group(id="all", members=tuple(f"u{n}" for n in range(MEMBERS_MAX + 1)), source="directory")
    difference, left_out = fitting_difference(DirectoryDifference(groups=(group,)), Governance())
    assert difference == DirectoryDifference()
    assert "10,001 members" in left_out[0].why


def test_leavers_go_first_unless_policies_need_the_newcomers() -> None:
    """Two approvers leave and two join, in more than one change: none may leave before the others are in."""
    governance = organisation()
    governance.evolve(governance.seq + 1, ANY_MAY_VANISH)
    approvers = ("ann", "ben", "cat")
    synced(governance, export(" ".join(approvers), {"d": (" ".join(approvers), "")}))
    whole = DirectoryDifference(vanished=("ann",))
    assert steps_of(whole, governance, AT) == (whole,)
    policy = Policy(id="more", name="More", resource_type="more", approvals=(ApprovalRule(groups=("d",)),))
    governance.evolve(governance.seq + 1, (PolicyCreated(policy=policy),))
    newcomers = f"{people(3_000)} cat"
    difference = directory_difference(
        export(newcomers, {"d": ("cat somebody.00001@a-company.example", "")}), governance
    )
    steps = steps_of(difference, governance, AT)
    assert (steps[0].vanished, steps[-1].vanished) == ((), ("ann", "ben"))


@pytest.mark.parametrize("user", ['{"id": "Ann", "person": "new.p"}', '{"id": "new", "person": "ANN.p"}'])
def test_user_who_equals_another_account_except_for_case_is_left_out(user: str) -> None:
    governance = Governance()
    synced(governance, export("ann"))
    said = '{"users": [{"id": "ann", "person": "ann.p"}, ' + user + "]}"
    export_, left_out = usable_export(parse_export(said.encode()), governance)
    assert [each.id for each in export_.users] == ["ann"]
    assert "in case only" in left_out[0].why


def test_of_two_users_who_differ_in_case_only_the_first_is_synchronised() -> None:
    said = b'{"users": [{"id": "ann", "person": "p"}, {"id": "ann2", "person": "P"}]}'
    export_, left_out = usable_export(parse_export(said), Governance())
    assert ([each.id for each in export_.users], [each.id for each in left_out]) == (["ann"], ["ann2"])


def test_user_whose_id_belongs_to_another_account_is_left_out_and_the_rest_continues() -> None:
    """Otherwise one manual account would block the directory for good, because no id is used again."""
    governance = Governance()
    by_hand = Account(id="ben", kind="human", person="mallory.p")
    governance.evolve(0, (PrincipalRegistered(account=by_hand),))
    synced(governance, export("ann cat"))
    said = json.dumps(
        {
            "users": [{"id": name, "person": f"{name}.p"} for name in ("ann", "ben", "dan")]
            + [{"id": "cat", "person": "other.p"}],
            "groups": [{"id": "g", "members": ["ann", "ben", "cat", "dan"], "groups": []}],
        }
    )
    export_, left_out = usable_export(parse_export(said.encode()), governance)
    assert [each.id for each in left_out] == ["ben", "cat"]
    assert "registered by hand" in left_out[0].why
    assert "the account of the person cat.p here, not of other.p" in left_out[1].why
    difference = synced(governance, export_)
    assert difference.vanished == ("cat",), "whoever it was is gone"
    assert governance.groups["g"].members == ("ann", "dan")
    assert governance.principals["ben"].account == by_hand
