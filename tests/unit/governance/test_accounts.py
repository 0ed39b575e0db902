"""Accounts: register, disable, enable. Neither the kind nor the person of an account ever changes."""

import pytest

from assent_contracts.governance_changes import DisablePrincipal, EnablePrincipal, RegisterPrincipal
from assent_contracts.governance_objects import Account
from tests.support.people import force, organisation
from tests.support.stories import Story
from tests.unit.governance.answers import BAD_IDS, LONG_ID, at_once, fits, human, service


def test_registered_account_is_enabled() -> None:
    governance = organisation()
    assert at_once(governance, "carol", human("erin")) == ""
    assert at_once(governance, "carol", service("bot")) == ""
    assert governance.principals["erin"].enabled
    assert governance.principals["erin"].person == "p-erin"
    assert governance.principals["bot"].person is None


@pytest.mark.parametrize("name", ["alice", "founder", "assent"])
def test_taken_or_reserved_id_is_refused(name: str) -> None:
    """On the ledger, `founder` and `assent` are not accounts."""
    assert fits(organisation(), human(name)) == "id-taken"


def test_id_of_a_disabled_account_is_never_free_again() -> None:
    """Otherwise a new account would inherit the roles and the history of the old one."""
    governance = organisation()
    force(governance, DisablePrincipal(principal="mallory"))
    assert fits(governance, human("mallory", "p-new")) == "id-taken"


@pytest.mark.parametrize("name", BAD_IDS)
def test_account_s_id_is_an_identifier(name: str) -> None:
    assert fits(organisation(), human(name, "p-new")) == "malformed"
    assert fits(organisation(), human(LONG_ID)) == "malformed"  # p-<128 characters> is too long for a person
    assert fits(organisation(), human(LONG_ID, "p-new")) == ""


@pytest.mark.parametrize(
    ("account", "answer"),
    [
        (Account(id="new", kind="human"), "malformed"),
        (Account(id="new", kind="service", person="p-new"), "malformed"),
        (Account(id="new", kind="human", person=""), "malformed"),
        (Account(id="new", kind="human", person="p new"), "malformed"),
        (Account(id="new", kind="human", person="p" * 128), ""),
        (Account(id="new", kind="human", person="p" * 129), "malformed"),
        (Account(id="new", kind="service", name="n" * 128), ""),
        (Account(id="new", kind="service", name="n" * 129), "too-large"),
        (Account(id="new", kind="service", name="a\nb"), "malformed"),
        (Account(id="new", kind="human", person="p-new", source="directory"), "malformed"),
    ],
    ids=repr,
)
def test_account_s_fields_have_limits(account: Account, answer: str) -> None:
    assert fits(organisation(), RegisterPrincipal(account=account)) == answer


def test_disabled_account_does_nothing_until_it_is_enabled() -> None:
    story = Story(governance=organisation()).given("alice submits")
    assert at_once(story.governance, "carol", DisablePrincipal(principal="bob")) == ""
    assert story.when("bob approves") == "not-permitted"
    force(story.governance, EnablePrincipal(principal="bob"))
    assert story.when("bob approves") == "ApprovalGiven"


def test_account_is_disabled_and_enabled_once() -> None:
    governance = organisation()
    assert fits(governance, EnablePrincipal(principal="mallory")) == "already-so"
    force(governance, DisablePrincipal(principal="mallory"))
    assert fits(governance, DisablePrincipal(principal="mallory")) == "already-so"
    assert fits(governance, EnablePrincipal(principal="mallory")) == ""


@pytest.mark.parametrize("change", [DisablePrincipal, EnablePrincipal])
def test_unknown_account_cannot_be_disabled_or_enabled(
    change: type[DisablePrincipal | EnablePrincipal],
) -> None:
    assert fits(organisation(), change(principal="nobody")) == "unknown-object"


@pytest.mark.parametrize(
    ("name", "person"), [("Alice", "p-new"), ("ALICE2", "p-alice"), ("Upstream", "p-new")]
)
def test_id_that_differs_from_another_only_in_case_is_refused(name: str, person: str) -> None:
    assert fits(organisation(), human(name, person)) == "id-taken"


@pytest.mark.parametrize("person", ["P-alice", "P-ALICE"])
def test_R9_person_that_differs_from_another_only_in_case_is_refused(person: str) -> None:
    """`p-alice` and `P-Alice` would count as two people for a quorum, and approve each other's requests."""
    assert fits(organisation(), human("alice3", person)) == "id-taken"
    assert fits(organisation(), human("alice3", "p-alice")) == ""


@pytest.mark.parametrize("name", ["Founder", "ASSENT"])
def test_reserved_ids_are_reserved_in_any_case(name: str) -> None:
    assert fits(organisation(), human(name)) == "id-taken"
