"""Keys: register, shorten, revoke. Neither a key nor its id is ever used again."""

import msgspec
import pytest

from assent_contracts.core.governance.decide import decide_change
from assent_contracts.core.governance.principals_and_keys import windows_of
from assent_contracts.governance_changes import ExpireKey, RegisterKey, RevokeKey, RevokeKeys
from assent_contracts.governance_messages import KeyExpires, KeyRegistered, KeyRevoked, KeysRevoked
from assent_contracts.limits import FOR_EVER_MS, KEYS_MAX
from assent_contracts.refusals import Refusal
from tests.support.people import DAY_MS, START, force, organisation, public_key_of
from tests.support.stories import Story
from tests.unit.governance.answers import BAD_IDS, LONG_ID, at_once, fits, new_key, role_of


def spoiled(**fields: object) -> RegisterKey:
    return RegisterKey(key=msgspec.structs.replace(new_key("mallory").key, **fields))


@pytest.mark.parametrize("name", BAD_IDS)
def test_key_s_id_is_an_identifier(name: str) -> None:
    assert fits(organisation(), spoiled(id=name)) == "malformed"
    assert fits(organisation(), spoiled(id=LONG_ID)) == ""


@pytest.mark.parametrize(
    ("fields", "answer"),
    [
        ({"id": "alice-key"}, "id-taken"),
        ({"public_key": public_key_of("alice")}, "id-taken"),
        ({"principal": "nobody"}, "unknown-object"),
        ({"public_key": "AAAA"}, "malformed"),
        ({"public_key": "not base64url!"}, "malformed"),
        ({"not_after": START}, "malformed"),
        ({"not_after": START - 1}, "malformed"),
        ({"not_before": -1}, "malformed"),
        ({"not_before": 0}, ""),
        ({"not_after": FOR_EVER_MS}, ""),
        ({"not_after": FOR_EVER_MS + 1}, "malformed"),
    ],
    ids=repr,
)
def test_key_s_fields_have_limits(fields: dict[str, object], answer: str) -> None:
    assert fits(organisation(), spoiled(**fields)) == answer


def test_revoked_key_and_its_id_are_never_registered_again() -> None:
    """One key under two names would let its holder sign as two principals, also later."""
    governance = organisation()
    force(governance, RevokeKey(key="mallory-key"))
    assert fits(governance, spoiled(id="mallory-key")) == "id-taken"
    assert fits(governance, spoiled(public_key=public_key_of("mallory"))) == "id-taken"


def test_revoked_key_no_longer_signs() -> None:
    story = Story(governance=organisation()).given("alice submits")
    force(story.governance, RevokeKey(key="bob-key"))
    assert story.when("bob approves") == "unknown-key"
    assert story.when("bob2 approves") == "ApprovalGiven"


def test_expiring_key_signs_until_its_end() -> None:
    story = Story(governance=organisation()).given("alice submits")
    force(story.governance, ExpireKey(key="bob-key", not_after=START + DAY_MS))
    assert story.when("bob approves other bytes") == "digest-mismatch"
    story.given("a day passes")
    assert story.when("bob approves") == "unknown-key"


@pytest.mark.parametrize(
    ("not_after", "expected", "said"),
    [
        (START + 400 * DAY_MS, "already-so", "to 2027-02-05 00:00Z already"),
        (START + 401 * DAY_MS, "outdated", "it can only end earlier"),
        (START - 1, "outdated", "it cannot end before it begins"),
    ],
)
def test_key_s_validity_can_only_be_shortened(not_after: int, expected: str, said: str) -> None:
    refusal = decide_change(organisation(), ExpireKey(key="bob-key", not_after=not_after), START)
    assert isinstance(refusal, Refusal)
    assert refusal.code == expected
    assert said in refusal.detail


def test_invalid_or_revoked_key_cannot_be_changed() -> None:
    governance = organisation()
    assert fits(governance, RevokeKey(key="no-key")) == "unknown-object"
    assert fits(governance, ExpireKey(key="no-key", not_after=START)) == "unknown-object"
    force(governance, RevokeKey(key="bob-key"))
    assert fits(governance, RevokeKey(key="bob-key")) == "already-so"
    assert fits(governance, ExpireKey(key="bob-key", not_after=START)) == "unknown-object"


def test_thief_of_a_key_who_registered_others_is_evicted_by_one_change() -> None:
    """It revokes all keys that exist when it is decided: one registered in between does not escape."""
    governance = organisation()
    assert at_once(governance, "bob", new_key("bob", "thief-1")) == ""
    assert at_once(governance, "bob", new_key("bob", "thief-2")) == ""
    assert at_once(governance, "carol", RevokeKeys(principal="bob")) == ""
    assert {key.revoked for key in governance.keys.values() if key.principal == "bob"} == {True}
    assert governance.windows("bob") == ()
    assert governance.windows("alice") != ()
    assert at_once(governance, "carol", RevokeKeys(principal="bob")) == "already-so"
    assert at_once(governance, "carol", RevokeKeys(principal="nobody")) == "unknown-object"


def test_people_revoke_all_their_own_keys_and_nobody_else_s() -> None:
    assert at_once(organisation(), "alice", RevokeKeys(principal="bob")) == "not-permitted"
    assert at_once(organisation(), "bob", RevokeKeys(principal="bob")) == ""
    assert at_once(organisation(), "upstream", RevokeKeys(principal="upstream")) == ""


def test_R3_all_keys_of_an_administrator_are_not_revoked_where_two_must_act() -> None:
    assert at_once(organisation(), "carol", RevokeKeys(principal="dave")) == "too-few-administrators"


def test_service_registers_no_key_for_itself() -> None:
    """A holder of its key could create others that outlast it. Two administrators register them instead."""
    governance = organisation()
    assert at_once(governance, "upstream", new_key("upstream")) == "not-permitted"
    force(governance, role_of("administrator", "upstream"))
    assert at_once(governance, "upstream", new_key("upstream")) == "approval-required"
    assert at_once(governance, "carol", new_key("upstream")) == "approval-required"


def test_keys_of_one_account_have_a_limit() -> None:
    governance = organisation()
    for number in range(KEYS_MAX - 1):
        force(governance, new_key("bob", f"bob-{number}"))
    assert at_once(governance, "bob", new_key("bob", "one-more")) == "quota-exceeded"
    assert at_once(governance, "bob", RevokeKey(key="bob-1")) == ""
    assert at_once(governance, "bob", new_key("bob", "one-more")) == ""


def test_signing_times_of_people_follow_each_change_of_a_key() -> None:
    governance = organisation()
    first, second = new_key("bob", "bob-3").key, new_key("bob", "bob-4").key
    changes = (
        KeyRegistered(key=first),
        KeyRegistered(key=second),
        # No rule makes it, but a stolen writer's key could seal it.
        KeyRegistered(key=msgspec.structs.replace(second, not_after=START + DAY_MS)),
        KeyExpires(key="bob-3", not_after=START + DAY_MS),
        KeyRevoked(key="bob-3"),
        KeysRevoked(principal="bob"),
    )
    for event in changes:
        before = governance.windows("bob")
        governance.evolve(governance.seq + 1, (event,))
        assert governance.windows("bob") == windows_of(governance.keys.values()).get("bob", ())
        assert governance.windows("bob") != before
