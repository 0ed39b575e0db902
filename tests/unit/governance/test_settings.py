"""Settings: all at once, naming the version that was seen; only tightening needs no second administrator."""

import msgspec
import pytest

from assent_contracts.codec import encode
from assent_contracts.governance_changes import SETTINGS, ChangeSettings
from assent_contracts.governance_codec import decode_governance_change
from assent_contracts.governance_objects import Settings
from assent_contracts.limits import (
    COMMANDS_PER_MINUTE_MAX,
    LONGEST_MS,
    OPEN_REQUESTS_MAX,
    REMEMBERED_COMMANDS_MAX,
)
from assent_contracts.refusals import Refusal
from tests.support.people import force, organisation
from tests.unit.governance.answers import at_once, fits

BEFORE = Settings(unprotected="pass", vanish_max_percent=50, governance_own_signature=False)


def changed(**fields: object) -> ChangeSettings:
    return ChangeSettings(settings=msgspec.structs.replace(BEFORE, **fields))


@pytest.mark.parametrize(
    ("fields", "answer"),
    [
        ({"unprotected": "refuse"}, ""),
        ({"allow_unlicensed_admins": True}, ""),
        ({"vanish_max_percent": 49}, ""),
        ({"unprotected": "refuse", "vanish_max_percent": 0}, ""),
        ({"governance_own_signature": True}, ""),
        ({"vanish_max_percent": 51}, "approval-required"),
        ({"unprotected": "refuse", "vanish_max_percent": 51}, "approval-required"),
        ({"expiry_ms": 1_000}, "approval-required"),
        ({"expiry_ms": LONGEST_MS}, "approval-required"),
        ({"lease_ms": 100}, "approval-required"),
        ({"visibility_ms": 1_000}, "approval-required"),
        ({"open_requests_max": 1}, "approval-required"),
        ({"open_requests_max": OPEN_REQUESTS_MAX}, "approval-required"),
        ({"commands_per_minute": 1}, "approval-required"),
        ({"commands_per_minute": COMMANDS_PER_MINUTE_MAX}, "approval-required"),
        ({"remembered_commands": 1}, "approval-required"),
        ({"remembered_commands": REMEMBERED_COMMANDS_MAX}, "approval-required"),
    ],
    ids=repr,
)
def test_only_tightening_takes_effect_at_once(fields: dict[str, object], answer: str) -> None:
    """Times and quotas cut both ways: too short a time ends every request."""
    governance = organisation(BEFORE)
    wanted = msgspec.structs.replace(changed(**fields), version=governance.version(SETTINGS))
    assert at_once(governance, "carol", wanted) == answer


@pytest.mark.parametrize(
    "before", [Settings(allow_unlicensed_admins=True), Settings(unprotected="refuse")], ids=repr
)
def test_switch_cannot_be_loosened_at_once(before: Settings) -> None:
    governance = organisation(before)
    loose = Settings(unprotected="pass", allow_unlicensed_admins=False)
    version = governance.version(SETTINGS)
    for settings in (loose, msgspec.structs.replace(before, unprotected="pass")):
        wanted = ChangeSettings(settings=settings, version=version)
        assert at_once(governance, "carol", wanted) == "approval-required"
    if before.allow_unlicensed_admins:
        wanted = ChangeSettings(settings=Settings(), version=version)
        assert at_once(governance, "carol", wanted) == "approval-required"


def test_gateways_are_allowed_to_approve_governance_changes_by_two_administrators_only() -> None:
    governance = organisation()
    version = governance.version(SETTINGS)
    wanted = ChangeSettings(settings=Settings(governance_own_signature=False), version=version)
    assert at_once(governance, "carol", wanted) == "approval-required"


def test_settings_change_must_name_the_version_that_was_seen() -> None:
    governance = organisation()
    seen = governance.version(SETTINGS)
    assert fits(governance, ChangeSettings(settings=Settings(lease_ms=100))) == "outdated"
    assert fits(governance, ChangeSettings(settings=Settings(), version=seen)) == "already-so"
    force(governance, ChangeSettings(settings=Settings(lease_ms=100), version=seen))
    assert fits(governance, ChangeSettings(settings=Settings(lease_ms=200), version=seen)) == "outdated"


@pytest.mark.parametrize(
    ("field", "least", "most"),
    [
        ("expiry_ms", 1_000, LONGEST_MS),
        ("lease_ms", 100, LONGEST_MS),
        ("visibility_ms", 1_000, LONGEST_MS),
        ("open_requests_max", 1, OPEN_REQUESTS_MAX),
        ("commands_per_minute", 1, COMMANDS_PER_MINUTE_MAX),
        ("remembered_commands", 1, REMEMBERED_COMMANDS_MAX),
        ("vanish_max_percent", 0, 100),
    ],
)
def test_settings_numbers_have_limits(field: str, least: int, most: int) -> None:
    for value, good in ((least, True), (most, True), (least - 1, False), (most + 1, False)):
        decoded = decode_governance_change(encode(changed(**{field: value})))
        assert not isinstance(decoded, Refusal) if good else isinstance(decoded, Refusal)


def test_R5_setting_that_would_break_a_policy_is_refused() -> None:
    """The approvers lose the assignment that makes them eligible, so policies would be unsatisfiable."""
    governance = organisation()
    version = governance.version(SETTINGS)
    strict = ChangeSettings(settings=Settings(allow_unlicensed_admins=True), version=version)
    assert fits(governance, strict) == ""
    del governance.assignments["r-approver"]
    assert fits(governance, strict) == "policy-invalid"
