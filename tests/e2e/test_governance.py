"""Access changed from the command line: at once, by two administrators, or not at all."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from assent.infra_files import infra_path
from tests.support.cli import Answer, Cli, Up

KIOSK = ("policies", "create", "kiosks", "--type", "kiosk", "--approval", "1:security")


@pytest.fixture(scope="module")
def governed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cli]:
    """Its own log, because these changes would disturb other tests."""
    cli = Cli(tmp_path_factory.mktemp("governance") / "data")
    founded = cli("init", str(infra_path("demo/governance.toml")), "--make-keys")
    assert founded.code == 0, founded
    up = Up(cli, tmp_path_factory.mktemp("governance-up") / "up.txt")
    yield cli
    assert up.stop() == 0


def requested(answer: Answer) -> str:
    assert answer.code == 0, answer
    request = answer.json["request"]
    assert request, answer
    return request


def carried(cli: Cli, request: str, *, requester: str, approver: str) -> None:
    approved = cli("approve", request, "--yes", "--as", approver)
    assert approved.code == 0, approved
    completed = cli("complete", request, "--yes", "--as", requester)
    assert completed.code == 0, completed
    cli.until_status(request, "completed")


def test_R3_policy_is_created_by_two_and_protects_its_type(governed: Cli) -> None:
    """Dry run, submission, list, difference, own approval refused, another's accepted, carried out."""
    dry = governed(*KIOSK, "--dry-run", "--as", "alice-admin")
    assert dry.code == 0, dry
    for said in ("Create policy kiosks for kiosk", "must approve: it changes a policy", "this was a dry run"):
        assert said in dry.out
    assert [each["id"] for each in governed("policies", "list", "--json").json] == ["scripts", "apps"]
    unjustified = governed(*KIOSK, "--json", "--as", "alice-admin")
    assert (unjustified.code, unjustified.json["refusal"]["code"]) == (2, "justification-required")

    request = requested(governed(*KIOSK, "-j", "Kiosks stand open", "--json", "--as", "alice-admin"))
    received = [row["id"] for row in governed("requests", "--received", "--as", "bob", "--json").json]
    assert request in received
    shown = governed("show", request)
    for said in (
        "Create policy kiosks for kiosk: 1 of Security team (security, 4 people) must approve",
        "+",
        "kiosk",
    ):
        assert said in shown.out
    own = governed("approve", request, "--yes", "--as", "alice", "--json")
    assert own.json["refusal"]["code"] == "own-request"
    carried(governed, request, requester="alice-admin", approver="bob")

    policy = governed("policies", "show", "kiosks", "--json").json
    assert policy["sentence"].startswith(
        "1 of Security team (security, 4 people) must approve; one rejection ends it"
    )
    again = governed(*KIOSK, "-j", "Again", "--json", "--as", "alice-admin")
    assert (again.code, again.json["refusal"]["code"]) == (2, "id-taken")


def test_policy_protects_itself_and_an_unsatisfiable_one_is_refused(governed: Cli) -> None:
    too_many = ("policies", "edit", "scripts", "--approval", "9:endpoint-admins", "--json")
    dry = governed(*too_many, "--dry-run", "--as", "bob")
    assert (dry.code, dry.json["refusal"]["code"]) == (2, "policy-unsatisfiable")
    assert governed(*too_many, "-j", "x", "--as", "bob").json["refusal"]["code"] == "policy-unsatisfiable"
    stranger = governed("policies", "delete", "scripts", "--dry-run", "--json", "--as", "dave")
    assert (stranger.code, stranger.json["refusal"]["code"]) == (2, "not-permitted")

    edit = ("policies", "edit", "scripts", "--approval", "2:endpoint-admins", "-j", "Scripts run as root")
    request = requested(governed(*edit, "--json", "--as", "bob"))
    change = governed("show", request, "--json").json["change"]
    assert change["sentence"] == "Edit policy scripts: quorum 1 becomes 2."
    assert change["difference"] == [{"field": "quorum", "before": "1", "after": "2"}]
    carried(governed, request, requester="bob", approver="carol")
    assert governed("policies", "show", "scripts", "--json").json["approvals"][0]["quorum"] == 2


def test_own_key_works_at_once_and_another_person_s_does_not(governed: Cli, tmp_path: Path) -> None:
    key = tmp_path / "dave-2.key"
    made = governed("keys", "new", "dave", "--id", "dave-2", "--out", str(key), "--json").json
    register = ("keys", "register", made["public_key"], "--id", "dave-2", "--for", "dave", "--json")
    for_other = governed(*register, "--dry-run", "--as", "bob")
    assert "its holder did not sign for" in for_other.json["why_approval"]
    own = governed(*register, "--as", "dave")
    assert (own.code, own.json["request"]) == (0, None)
    assert [event["type"] for event in own.json["events"]] == ["assent.key-registered.v1"]
    ends = governed("keys", "expire", "dave-1", "--in", "1h", "--key", str(key))
    assert ends.code == 0, ends
    revoked = governed("keys", "revoke", "dave-2", "--as", "dave")
    assert (revoked.code, "Revoke the key dave-2 of dave." in revoked.out) == (0, True)
    states = {each["id"]: each["valid"] for each in governed("keys", "list", "--of", "dave", "--json").json}
    assert states == {"dave-1": True, "dave-2": False}


def test_output_lists_who_can_approve_and_why_others_cannot(governed: Cli) -> None:
    request = governed.submit("app/explained", b"{}")
    able = governed("who-can", "approve", request, "--json").json["can_approve"]
    assert [each["principal"] for each in able] == ["bob", "carol", "dave", "erin"]
    assert governed("approve", request, "--yes", "--as", "bob").code == 0
    explained = governed("explain", request, "--for", "bob")
    stands = "2 of Security team (security, 4 people); given by bob.ortega: 1 missing"
    assert f"{stands}, carol, dave, erin can approve." in explained.out
    assert "bob cannot approve it: already-decided" in explained.out
    for name, code in (("alice", "not-an-approver"), ("applier", "not-an-approver")):
        why = governed("explain", request, "--for", name, "--json").json["for"]
        assert (why["can_approve"], why["refusal"]["code"]) == (False, code)


def test_disabling_an_approver_reopens_the_request(governed: Cli) -> None:
    """The requester completes and is told whose approval no longer counts: 2, as for any other refusal."""
    assert governed("principals", "register", "frank", "--person", "frank.novak", "--as", "bob").code == 0
    # Without her the policy for apps could not lose any approver.
    joins = governed("groups", "set", "security", "--add", "frank", "-j", "Joined", "--json", "--as", "bob")
    assert joins.json["sentence"] == "Change group security: add frank."
    carried(governed, requested(joins), requester="bob", approver="carol")
    request = governed.submit("kiosk/lapsing", b"{}", who="alice")
    assert "last approval" in governed("approve", request, "--yes", "--as", "dave").out
    disabled = governed("principals", "disable", "dave", "--as", "bob")
    assert (disabled.code, "Done: Disable dave." in disabled.out) == (0, True)
    completed = governed("complete", request, "--yes", "--as", "alice", "--json")
    assert (completed.code, completed.json["refusal"]["code"]) == (2, "not-approved")
    assert "dave, who is disabled" in completed.json["refusal"]["detail"]
    assert "the approval of dave, who is disabled" in governed("show", request).out
    enable = governed("principals", "enable", "dave", "-j", "Back", "--json", "--as", "bob")
    carried(governed, requested(enable), requester="bob", approver="carol")


def test_directory_is_synchronised_as_one_difference_and_removals_are_limited(
    governed: Cli, tmp_path: Path
) -> None:
    file = tmp_path / "directory.json"
    users = [{"id": f"u{n}", "person": f"u{n}.p", "name": f"User {n}"} for n in range(10)]
    groups = [
        {"id": "desk", "name": "Service desk", "members": ["u0"], "groups": ["night"]},
        {"id": "night", "name": "Service desk", "members": ["u1", "u2"]},
    ]
    file.write_text(json.dumps({"users": users, "groups": groups}))
    sync = ("directory", "sync", str(file), "--as", "bob")
    dry = governed(*sync, "--dry-run")
    assert "Synchronise the directory: 10 new people, 2 new groups." in dry.out
    done = governed(*sync)
    assert done.code == 0, done
    assert governed("groups", "show", "desk", "--json").json["paths"] == {"u1": ["night"], "u2": ["night"]}
    assert "Nothing to do" in governed(*sync).out

    taken = {"id": "alice", "person": "somebody.else", "name": "Not Alice"}
    file.write_text(json.dumps({"users": [*users, taken], "groups": groups}))
    left_out = governed(*sync)
    assert (left_out.code, "Left out, " in left_out.err, "registered by hand" in left_out.err) == (
        2,
        True,
        True,
    )
    assert governed("principals", "show", "alice", "--json").json["person"] != "somebody.else"

    file.write_text(json.dumps({"users": users[:5], "groups": groups}))
    refused = governed(*sync, "--json")
    assert (refused.code, refused.json["refusal"]["code"]) == (2, "too-much-vanishes")
    groups[1]["groups"] = ["desk"]
    file.write_text(json.dumps({"users": users, "groups": groups}))
    cyclic = governed(*sync)
    assert (cyclic.code, "desk > night > desk" in cyclic.err) == (2, True)


def test_R3_last_two_administrators_stay_and_doctor_warns_before(governed: Cli) -> None:
    doctor = governed("doctor", "--json")
    assert {"ok": True, "what": "3 people can act as administrator"}.items() <= next(
        finding for finding in doctor.json if "administrator" in finding["what"]
    ).items()
    assert governed("principals", "disable", "alice-admin", "--as", "bob").code == 0
    finding = next(each for each in governed("doctor", "--json").json if "administrator" in each["what"])
    assert (finding["ok"], finding["what"]) == (False, "2 people can act as administrator")
    last = governed("principals", "disable", "carol", "--as", "bob", "--json")
    assert (last.code, last.json["refusal"]["code"]) == (2, "too-few-administrators")


def test_R16_governance_and_its_requests_are_decided_again(governed: Cli) -> None:
    verified = governed("audit", "verify", "--json")
    assert (verified.code, verified.json["verified"]) == (0, True), verified.out
