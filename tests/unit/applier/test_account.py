"""An applier whose account or key cannot apply anything states what is wrong and what to do."""

import msgspec
import pytest

from assent_contracts.client.applier_account import account_fault
from assent_contracts.client.keys import SecretKey
from assent_contracts.core.governance.principals_and_keys import Key, Principal
from assent_contracts.core.governance.state import Governance
from assent_contracts.governance_objects import Account, RoleAssignment

NOW = 1_000_000
KEY = SecretKey("applier-1", "applier")


def governance() -> Governance:
    made = Governance()
    made.principals["applier"] = Principal(account=Account(id="applier", kind="service"))
    made.principals["other"] = Principal(account=Account(id="other", kind="service"))
    made.keys[KEY.id] = Key(principal="applier", public_key=KEY.public_key, not_before=0, not_after=1 << 50)
    made.assignments["a"] = RoleAssignment(
        id="a", role="applier", principals=("applier",), resource_types=("script",)
    )
    return made


def test_account_with_its_key_and_the_role_for_one_type_can_apply() -> None:
    assert account_fault(governance(), KEY, NOW) is None


def test_each_fault_is_stated_with_what_to_do() -> None:
    found: list[str | None] = []

    made = governance()
    del made.principals["applier"]
    found.append(account_fault(made, KEY, NOW))
    made = governance()
    made.principals["applier"] = msgspec.structs.replace(made.principals["applier"], enabled=False)
    found.append(account_fault(made, KEY, NOW))
    made = governance()
    del made.keys[KEY.id]
    found.append(account_fault(made, KEY, NOW))
    for change in (
        {"principal": "other"},
        {"public_key": SecretKey("x", "applier").public_key},
        {"revoked": True},
        {"not_after": NOW},
    ):
        made = governance()
        made.keys[KEY.id] = msgspec.structs.replace(made.keys[KEY.id], **change)
        found.append(account_fault(made, KEY, NOW))
    made = governance()
    made.assignments.clear()
    found.append(account_fault(made, KEY, NOW))

    expected = [
        "no account applier",
        "is disabled",
        "is not registered",
        "belongs to other",
        "has another secret",
        "is revoked or not valid now",
        "is revoked or not valid now",
        "does not have the role applier",
    ]
    assert len(found) == len(expected)
    for fault, part in zip(found, expected, strict=True):
        assert fault is not None
        assert part in fault
        assert ". " in fault, "what to do"


@pytest.mark.parametrize("role", ["requester", "administrator"])
def test_another_role_is_not_enough(role: str) -> None:
    made = governance()
    made.assignments["a"] = msgspec.structs.replace(made.assignments["a"], role=role)
    fault = account_fault(made, KEY, NOW)
    assert fault is not None
    assert "does not have the role applier" in fault
