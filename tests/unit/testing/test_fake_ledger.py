"""The log in memory decides as the real one does, and an upstream cannot tell the difference."""

import threading
from typing import Any

import pytest

from assent_contracts.client.assent_connection import RefusedError
from assent_contracts.client.keys import signed_headers
from assent_contracts.client.publisher import now_ms
from assent_contracts.client.upstream import Submitted, Upstream
from assent_contracts.client.upstream_async import raw_payload
from assent_contracts.codec import encode
from assent_contracts.commands import SubmitChange
from assent_contracts.refusals import RefusalCode
from assent_contracts.testing import FakeLedger
from assent_contracts.testing.organisation import key_of

pytest_plugins = ["assent_contracts.testing.fixtures"]


def submit(assent: Upstream, resource: str = "app/payroll", **fields: Any) -> Submitted:
    return assent.submit(resource, "edit", {"limit": 5}, justification="It is needed.", **fields)


def test_change_is_approved_completed_by_the_client_applied_and_followed(
    assent: Upstream, fake_ledger: FakeLedger
) -> None:
    request = submit(assent)
    assert fake_ledger.status(request.id) == "needs_approval"
    outcomes = []
    waiting = threading.Thread(target=lambda: outcomes.append(request.wait_applied(timeout_s=30)))
    waiting.start()
    fake_ledger.approve(request.id, note="Fine.")
    for update in request.follow():
        if update.progress == "released":
            fake_ledger.apply(request.id, message="Done.")
    waiting.join()
    [outcome] = outcomes
    assert (outcome.applied, outcome.message) == (True, "Done.")
    assert [update.status for update in request.follow()][-1] == "completed"


def test_follow_completes_once_and_also_after_a_restart(assent: Upstream, fake_ledger: FakeLedger) -> None:
    request = submit(assent)
    fake_ledger.approve(request.id)
    seen = []
    for update in request.follow(complete=True):
        seen.append((update.status, update.progress))
        if update.progress == "released":
            fake_ledger.apply(request.id)
    assert seen.count(("approved", None)) == 1
    assert seen[-1] == ("completed", None)
    again = [(update.status, update.progress) for update in request.follow(complete=True)]
    assert again == seen, "what was approved before is not completed again"


def test_R10_second_request_for_one_object_is_refused(assent: Upstream) -> None:
    first = submit(assent)
    with pytest.raises(RefusedError) as refused:
        submit(assent)
    assert refused.value.code is RefusalCode.RESOURCE_LOCKED
    assert refused.value.refusal.open_request == first.id


def test_R9_nobody_approves_their_own_request(fake_ledger: FakeLedger) -> None:
    with fake_ledger.connect("alice") as assent:
        request = submit(assent)
        with pytest.raises(RefusedError) as refused:
            fake_ledger.approve(request.id, by="alice")
    assert refused.value.code in (RefusalCode.OWN_REQUEST, RefusalCode.NOT_AN_APPROVER)


def test_R18_type_without_a_policy_is_refused(assent: Upstream) -> None:
    with pytest.raises(RefusedError) as refused:
        submit(assent, "printer/1")
    assert refused.value.code is RefusalCode.NO_POLICY


def test_R6_justification_is_required(assent: Upstream) -> None:
    with pytest.raises(RefusedError) as refused:
        assent.submit("app/payroll", "edit", {}, justification="")
    assert refused.value.code is RefusalCode.JUSTIFICATION_REQUIRED


def test_R14_request_expires_and_is_resubmitted_once(assent: Upstream, fake_ledger: FakeLedger) -> None:
    request = submit(assent)
    fake_ledger.let_pass(days=31)
    assert request.wait_applied(timeout_s=30).status == "expired"
    again = request.resubmit()
    assert again.id != request.id
    assert request.resubmit().id == again.id


def test_same_id_is_the_same_request_and_other_content_is_refused(assent: Upstream) -> None:
    first = submit(assent, id="build-1")
    assert submit(assent, id="build-1").id == first.id
    with pytest.raises(RefusedError) as refused:
        submit(assent, "app/payroll", id="build-1", on_behalf_of="alice")
    assert refused.value.code is RefusalCode.ID_REUSED


def test_rejection_reaches_the_upstream_with_its_reason(assent: Upstream, fake_ledger: FakeLedger) -> None:
    request = submit(assent)
    fake_ledger.reject(request.id, note="Not today.")
    outcome = assent.request(request.id).wait_applied(timeout_s=30)
    assert (outcome.status, outcome.message) == ("rejected", "Not today.")


def test_command_with_another_s_signature_is_refused(fake_ledger: FakeLedger) -> None:
    command = SubmitChange(
        id="c-1",
        principal="alice",
        at=now_ms(),
        resource="app/payroll",
        operation="edit",
        justification="It is needed.",
        payload=raw_payload({}),
    )
    value = encode(command)
    signed = signed_headers(key_of("alice"), "ab" * 32, command, value, "/test")
    decided = fake_ledger.decide_bytes(value, b"app/payroll", signed)
    assert decided.refusal is not None
    assert decided.refusal.code is RefusalCode.BAD_SIGNATURE


def test_request_that_is_not_there_is_not_found(assent: Upstream, fake_ledger: FakeLedger) -> None:
    for name in ("0-99", "9-0", "nonsense"):
        with pytest.raises(LookupError):
            assent.request(name)
        with pytest.raises(LookupError):
            fake_ledger.approve(name)


async def test_with_await_it_is_the_same(fake_ledger: FakeLedger) -> None:
    async with fake_ledger.connect_async() as assent:
        request = await assent.submit("script/a", "edit", "echo", justification="It is needed.")
        fake_ledger.reject(request.id)
        assert (await request.wait_applied(timeout_s=30)).status == "rejected"
