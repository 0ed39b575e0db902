"""Governance as one document, and read back."""

import msgspec

from assent.reading.governance_snapshot import Snapshot, governance_in, snapshot_of
from assent_contracts import governance_changes as c
from assent_contracts.core.governance.state import Governance
from assent_contracts.governance_changes import DIRECTORY, SETTINGS, group_object, policy_object, role_object
from assent_contracts.governance_objects import Account, DirectoryDifference, Group, Settings, Writer
from tests.support.people import DAY_MS, START, force, organisation, policy_of, public_key_of


def lived() -> Governance:
    """An organisation in which everything has changed that can."""
    governance = organisation()
    force(governance, c.DisablePrincipal(principal="bob2"))
    force(governance, c.RevokeKey(key="bob2-key"))
    force(governance, c.ExpireKey(key="mallory-key", not_after=START + DAY_MS))
    edited = policy_of("apps", "app", 2)
    force(governance, c.EditPolicy(policy=edited, version=governance.version(policy_object("apps")) or 0))
    settings = Settings(expiry_ms=DAY_MS)
    force(governance, c.ChangeSettings(settings=settings, version=governance.version(SETTINGS)))
    account = Account(id="erin", kind="human", person="p-erin", source="directory")
    group = Group(id="staff", members=("erin",), source="directory", paths={"erin": ("inner",)})
    came = DirectoryDifference(accounts=(account,), groups=(group,))
    force(governance, c.SyncDirectory(difference=came, version=governance.version(DIRECTORY)))
    gone = DirectoryDifference(vanished=("erin",))
    force(governance, c.SyncDirectory(difference=gone, version=governance.version(DIRECTORY)))
    force(governance, c.AddWriter(writer=Writer(id="writer-2", public_key=public_key_of("writer-2"))))
    force(governance, c.RetireWriter(writer="writer-1"))
    return governance


def test_governance_is_restored_unchanged() -> None:
    before = lived()
    document = msgspec.json.encode(snapshot_of(before))
    after = governance_in(msgspec.json.decode(document, type=Snapshot))
    for name in ("seq", "partitions", "protected", "principals", "keys", "public_keys", "groups"):
        assert getattr(after, name) == getattr(before, name), name
    names = ("assignments", "policies", "policy_since", "settings", "writers", "writer_ids", "writers_since")
    for name in names:
        assert getattr(after, name) == getattr(before, name), name
    assert after.principals["erin"].vanished
    objects = [SETTINGS, DIRECTORY, "group/none"]
    objects += [group_object(each) for each in before.groups]
    objects += [role_object(each) for each in before.assignments]
    objects += [policy_object(each) for each in before.policies]
    assert [after.version(each) for each in objects] == [before.version(each) for each in objects]


def test_restored_governance_gives_the_same_answers() -> None:
    before = lived()
    after = governance_in(snapshot_of(before))
    assert after.terms_for("app") == before.terms_for("app")
    assert after.members("approvers") == before.members("approvers")
    assert after.holders("administrator", "") == before.holders("administrator", "") != frozenset()
