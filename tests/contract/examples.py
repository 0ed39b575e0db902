"""One example of every message: the content of the golden files.

Once a version is released its golden file is never rewritten, because the ledger keeps every byte for ever. A
message that changes gets a new version. `python -m tests.contract.examples` writes what is missing.
"""

from pathlib import Path
from typing import Any, Final

import msgspec
from msgspec import Raw

from assent_contracts import commands as c
from assent_contracts import events as e
from assent_contracts import governance_changes as gc
from assent_contracts import governance_messages as g
from assent_contracts import governance_objects as of
from assent_contracts.access_policies import ApprovalRule, Policy, PolicyTerms
from assent_contracts.change_details import HashedReference
from assent_contracts.client.keys import SecretKey
from assent_contracts.codec import encode
from assent_contracts.digests import sha256_hex
from assent_contracts.refusals import Refusal, RefusalCode
from assent_contracts.released_change import Change
from tests.contract.golden_chain import (
    AT,
    DAY,
    FOUNDER,
    PAYLOAD,
    RECORDS,
    RECOVERY,
    REQUEST,
    RESOURCE,
    TERMS,
    WRITER,
)
from tests.contract.signed_examples import SIGNED, signed_bytes

GOLDEN: Final = Path(__file__).parent / "golden"
DIGEST: Final = sha256_hex(PAYLOAD)
SUBMITTED: Final = sha256_hex(b"a submission")

_ABOUT: Final[dict[str, Any]] = {"id": "c-1", "principal": "alice", "at": AT, "resource": RESOURCE}
COMMANDS: Final[tuple[c.Command, ...]] = (
    c.SubmitChange(
        **_ABOUT, operation="edit", justification="Größe „neu“\nzwei Zeilen", payload=Raw(PAYLOAD)
    ),
    c.Approve(**_ABOUT, request=REQUEST, submission=SUBMITTED, note="Looks right."),
    c.Reject(**_ABOUT, request=REQUEST, submission=SUBMITTED, note="Not on a Friday."),
    c.Revoke(**_ABOUT, request=REQUEST, note="I missed something."),
    c.Cancel(**_ABOUT, request=REQUEST),
    c.Complete(**_ABOUT, request=REQUEST, submission=SUBMITTED),
    c.CloseRequest(**_ABOUT, request=REQUEST, reason="Its requester has left."),
    c.Claim(**_ABOUT, request=REQUEST),
    c.ReportOutcome(**_ABOUT, request=REQUEST, outcome="failed", message="The disk is full."),
    c.RenewLease(**_ABOUT, request=REQUEST, claim=44),
    c.Settle(**_ABOUT, request=REQUEST, outcome="retry", reason="The target shows nothing of it."),
    c.ReportFinding(**_ABOUT, target="web", kind="unexplained", seen_at=AT, version="ab" * 32),
    c.CloseFinding(**_ABOUT, finding="1-46", reason="The vendor's support did it, see CHG-7."),
    c.ConfirmSet(**_ABOUT, request=REQUEST),
)
COMMAND_VARIANTS: Final[dict[str, c.Command]] = {
    "report-outcome-of-a-claim": c.ReportOutcome(**_ABOUT, request=REQUEST, outcome="succeeded", claim=44),
    "report-outcome-with-a-version": c.ReportOutcome(
        **_ABOUT, request=REQUEST, outcome="succeeded", claim=44, version='W/"18"'
    ),
    "report-finding-after-another": c.ReportFinding(
        **_ABOUT,
        target="web",
        kind="different",
        seen_at=AT,
        version='W/"19"',
        request=REQUEST,
        previous="1-46",
        by="Mallory <m@example.org>",
        detail="Größe: 17 bytes.",
    ),
    "settle-a-claim-as-seen": c.Settle(
        **_ABOUT, request=REQUEST, outcome="succeeded", reason="It is in the target.", claim=44, seen=45
    ),
    "submit-change-with-its-details": c.SubmitChange(
        **{**_ABOUT, "principal": "upstream"},
        operation="edit",
        justification="New rates.",
        on_behalf_of="alice",
        payload=Raw(PAYLOAD),
        impact="Payroll is slow for a minute.",
        fallback="Apply version 1 again.",
        tested=(
            HashedReference(what="CI run 17", sha256="ab" * 32, uri="https://ci.example/17"),
            HashedReference(what="Screenshot", sha256="cd" * 32),
        ),
        expected="New rates on the page.",
        emergency=False,
        tickets=("CHG-1", "#2"),
        base='W/"17"',
        not_before=AT + DAY,
        not_after=AT + 2 * DAY,
    ),
    "submit-change-of-a-set": c.SubmitChange(
        **_ABOUT,
        operation="change-set",
        justification="Together or not at all.",
        payload=Raw(
            b'{"members":[{"resource":"app/a","operation":"edit","digest":"'
            + b"1a" * 32
            + b'","base":"v7"}]}'
        ),
        not_after=AT + 2 * DAY,
        members=1,
    ),
    "submit-change-of-a-member": c.SubmitChange(
        **_ABOUT,
        operation="edit",
        justification="Together or not at all.",
        payload=Raw(b"{}"),
        base="v7",
        not_after=AT + 2 * DAY,
        part_of="3-7",
    ),
}
"""Commands with their optional fields."""

FOUNDING: Final = of.Founding(
    founder=FOUNDER.public, recovery=RECOVERY.public, writers={"writer-1": WRITER.public}, partitions=4
)
NEW_WRITER: Final = of.Writer(id="writer-2", public_key=SecretKey("writer-2", "decider", bytes(32)).public)
ACCOUNT: Final = of.Account(id="alice", kind="human", person="p-17", name="Alice Ä.")
KEY: Final = of.SigningKey(
    id="alice-key", principal="alice", public_key=FOUNDER.public, not_before=AT, not_after=AT + 365 * DAY
)
GROUP: Final = of.Group(id="app-approvers", name="App approvers", members=("bob", "carol"))
ASSIGNMENT: Final = of.RoleAssignment(
    id="app-requesters",
    role="requester",
    groups=("staff",),
    principals=("upstream",),
    resource_types=("app",),
)
SETTINGS: Final = of.Settings(
    expiry_ms=7 * DAY, lease_ms=60_000, visibility_ms=DAY, allow_unlicensed_admins=True, unprotected="pass",
    open_requests_max=500, vanish_max_percent=5, governance_own_signature=False,
)  # fmt: skip
POLICY: Final = Policy(
    id="apps", name="Apps", description="Two people for apps, one of them an owner.", resource_type="app",
    approvals=(
        ApprovalRule(quorum=2, groups=("app-approvers", "security")),
        ApprovalRule(quorum=1, groups=("owners",)),
    ),
    rejections=2, completion="automatic", expiry_ms=7 * DAY, own_signature=True,
)  # fmt: skip
SHORT_POLICY: Final = Policy(
    id="apps", name="Apps", resource_type="app", approvals=(ApprovalRule(groups=("app-approvers",)),)
)
DIFFERENCE: Final = of.DirectoryDifference(
    accounts=(of.Account(id="erin", kind="human", person="p-21", name="Erin", source="directory"),),
    vanished=("frank",),
    groups=(
        of.Group(
            id="d-staff", name="Staff", members=("erin",), source="directory", paths={"erin": ("d-team",)}
        ),
    ),
    vanished_groups=("d-guests",),
)

GOVERNANCE_CHANGES: Final[tuple[gc.GovernanceChange, ...]] = (
    gc.RegisterPrincipal(account=ACCOUNT),
    gc.EnablePrincipal(principal="alice"),
    gc.DisablePrincipal(principal="alice"),
    gc.SetOperator(principal="upstream", operator="alice"),
    gc.RegisterKey(key=KEY),
    gc.ExpireKey(key="alice-key", not_after=AT + DAY),
    gc.RevokeKey(key="alice-key"),
    gc.RevokeKeys(principal="alice"),
    gc.AddWriter(writer=NEW_WRITER),
    gc.RetireWriter(writer="writer-1"),
    gc.CorrectTime(to=AT),
    gc.DefineGroup(group=GROUP, version=17),
    gc.DeleteGroup(group="app-approvers", version=17),
    gc.AssignRole(assignment=ASSIGNMENT, version=17),
    gc.WithdrawRole(assignment="app-requesters", version=17),
    gc.ChangeSettings(settings=SETTINGS, version=17),
    gc.CreatePolicy(policy=POLICY),
    gc.EditPolicy(policy=SHORT_POLICY, version=17),
    gc.DeletePolicy(policy="apps", version=17),
    gc.SyncDirectory(difference=DIFFERENCE, version=17),
)

_END = {"sha256": DIGEST, "next_input": 7}
LOSS: Final = of.Loss(
    era="g-1",
    ends=(
        of.LedgerEnd(ledger="governance", partition=0, seq=36, next_offset=37, topic_end=37, **_END),
        of.LedgerEnd(ledger="ledger", partition=0, seq=1_204, next_offset=1_310, topic_end=1_322, **_END),
    ),
    given_up=("g-0",),
)
_OF_GOVERNANCE = {"id": "g-1", "principal": "founder", "at": AT}
GOVERNANCE_COMMANDS: Final[tuple[g.GovernanceCommand, ...]] = (
    g.FoundLog(**_OF_GOVERNANCE, founding=FOUNDING),
    g.ChangeGovernance(**_OF_GOVERNANCE, change=gc.DefineGroup(group=GROUP)),
    g.CloseFounding(**_OF_GOVERNANCE),
    g.RecoverWriters(id="g-1", principal="recovery", at=AT, add=(NEW_WRITER,), retire=("writer-1",)),
    g.AcceptLoss(id="g-1", principal="recovery", at=AT, ends=LOSS.ends, given_up=LOSS.given_up),
)
_RELEASE: Final = {"request": REQUEST, "released": 44, "digest": DIGEST, "as_of": 7}
GOVERNANCE_EVENTS: Final[tuple[g.GovernanceEvent, ...]] = (
    g.LogFounded(founding=FOUNDING),
    g.PrincipalRegistered(account=ACCOUNT),
    g.PrincipalEnabled(principal="alice"),
    g.PrincipalDisabled(principal="alice"),
    g.OperatorSet(principal="upstream", operator="alice"),
    g.KeyRegistered(key=KEY),
    g.KeyExpires(key="alice-key", not_after=AT + DAY),
    g.KeyRevoked(key="alice-key"),
    g.KeysRevoked(principal="alice"),
    g.WriterAdded(writer=NEW_WRITER),
    g.WriterRetired(writer="writer-1"),
    g.TimeCorrected(to=AT),
    g.LossAccepted(loss=LOSS),
    g.GroupDefined(group=GROUP),
    g.GroupDeleted(group="app-approvers"),
    g.RoleAssigned(assignment=ASSIGNMENT),
    g.RoleWithdrawn(assignment="app-requesters"),
    g.SettingsChanged(settings=SETTINGS),
    g.PolicyCreated(policy=POLICY),
    g.PolicyEdited(policy=SHORT_POLICY),
    g.PolicyDeleted(policy="apps"),
    g.DirectorySynced(difference=DIFFERENCE),
    g.FoundingClosed(),
    g.ReleaseCarriedOut(**_RELEASE),
    g.ReleaseRefused(
        **_RELEASE, refusal=Refusal(code=RefusalCode.ALREADY_SO, detail="policy apps is so already.")
    ),
    e.CommandRepeated(decided=17),
)

_LATER: Final = AT + 30 * DAY
EVENTS: Final[tuple[e.Event, ...]] = (
    e.ChangeSubmitted(
        request=REQUEST, resource=RESOURCE, operation="edit", requester="alice", person="p-17",
        submission=SUBMITTED, digest=DIGEST,
        terms=(
            PolicyTerms(
                policy="apps", since=12, rules=POLICY.approvals, rejections=2, completion="automatic",
                expiry_ms=7 * DAY, own_signature=True,
            ),
            TERMS,
        ),
        deadline=_LATER,
    ),
    e.ApprovalGiven(request=REQUEST, approver="bob", person="p-18", deadline=_LATER),
    e.ApprovalLapsed(request=REQUEST, approver="bob", reason="disabled"),
    e.RequestReopened(request=REQUEST),
    e.RejectionGiven(request=REQUEST, approver="carol", person="p-19"),
    e.RequestApproved(request=REQUEST),
    e.ApprovalRevoked(request=REQUEST, approver="bob", deadline=_LATER),
    e.RequestRejected(request=REQUEST, approver="carol"),
    e.RequestCanceled(request=REQUEST),
    e.RequestClosed(request=REQUEST, closed_by="dora"),
    e.ChangeReleased(request=REQUEST, resource=RESOURCE, digest=DIGEST, deadline=_LATER),
    e.ChangeClaimed(request=REQUEST, applier="applier", digest=DIGEST, deadline=AT + 300_000),
    e.LeaseRenewed(request=REQUEST, applier="applier", deadline=AT + 600_000),
    e.SettlementProposed(request=REQUEST, administrator="dora", person="p-20", outcome="retry"),
    e.MembersReserved(request=REQUEST, deadline=_LATER),
    e.RequestCompleted(request=REQUEST, reporter="applier"),
    e.RequestFailed(request=REQUEST, reporter="applier"),
    e.OutcomeUnknown(request=REQUEST, cause="lease-ended"),
    e.RequestExpired(request=REQUEST),
    e.WritersChanged(since=61),
    e.LogTimeCorrected(since=62),
    e.CommandRepeated(decided=41),
    e.FindingReported(
        finding="1-46", resource=RESOURCE, target="web", kind="unexplained", reporter="reconciler",
        version="ab" * 32,
    ),
    e.FindingClosed(finding="1-46", closed_by="dora"),
)  # fmt: skip

EVENT_VARIANTS: Final[dict[str, e.Event]] = {
    "finding-reported-of-a-request": e.FindingReported(
        finding="1-47",
        resource=RESOURCE,
        target="web",
        kind="missing",
        reporter="reconciler",
        request=REQUEST,
    ),
    "approval-given-through-a-gateway": e.ApprovalGiven(
        request=REQUEST, approver="bob", person="p-18", deadline=_LATER, through="console"
    ),
    "change-submitted-on-behalf-of-a-person": e.ChangeSubmitted(
        request=REQUEST,
        resource=RESOURCE,
        operation="edit",
        requester="upstream",
        person="p-17",
        submission=SUBMITTED,
        digest=DIGEST,
        terms=(TERMS,),
        deadline=_LATER,
        on_behalf_of="alice",
    ),
    "change-submitted-of-a-set": e.ChangeSubmitted(
        request=REQUEST,
        resource=RESOURCE,
        operation="edit",
        requester="upstream",
        person="p-17",
        submission=SUBMITTED,
        digest=DIGEST,
        terms=(TERMS,),
        deadline=_LATER,
        members=3,
    ),
    "change-submitted-of-a-member": e.ChangeSubmitted(
        request=REQUEST,
        resource=RESOURCE,
        operation="edit",
        requester="upstream",
        person="p-17",
        submission=SUBMITTED,
        digest=DIGEST,
        terms=(TERMS,),
        deadline=_LATER,
        part_of="3-7",
    ),
    "change-submitted-where-two-settle": e.ChangeSubmitted(
        request=REQUEST,
        resource=RESOURCE,
        operation="edit",
        requester="alice",
        person="p-17",
        submission=SUBMITTED,
        digest=DIGEST,
        terms=(msgspec.structs.replace(TERMS, settlements=2),),
        deadline=_LATER,
    ),
    "change-submitted-from-an-older-version": e.ChangeSubmitted(
        request=REQUEST,
        resource=RESOURCE,
        operation="edit",
        requester="alice",
        person="p-17",
        submission=SUBMITTED,
        digest=DIGEST,
        terms=(TERMS,),
        deadline=_LATER,
        newest='W/"18"',
        emergency=True,
        not_before=AT + DAY,
        not_after=AT + 2 * DAY,
    ),
    "request-completed-with-a-version": e.RequestCompleted(
        request=REQUEST, reporter="applier", version='W/"18"'
    ),
    "request-failed-without-an-applier": e.RequestFailed(
        request=REQUEST, reporter="assent", message="already-so: policy apps is so already."
    ),
}
"""Events with their optional fields."""

_DETAILS: Final = {
    RefusalCode.APPROVAL_REQUIRED: "A second administrator must approve: it changes a policy.",
    RefusalCode.OUTDATED: "access-policy/apps has changed since seq 17: it stands as of seq 18.",
    RefusalCode.UNKNOWN_OBJECT: "There is no key 'alice-key' that stands.",
    RefusalCode.ID_TAKEN: "There is a policy 'apps' already.",
    RefusalCode.ALREADY_SO: "alice is disabled already.",
    RefusalCode.TOO_FEW_ADMINISTRATORS: "R3: 1 person could act; there must be 2.",
    RefusalCode.TOO_MUCH_VANISHES: "30% of the directory's people would go; at most 20% may.",
    RefusalCode.LAST_WRITER: "No writer would be left: nothing could be decided.",
    RefusalCode.ON_BEHALF_OF_REQUIRED: "R20: a policy for app wants to know on whose behalf it is.",
    RefusalCode.ON_BEHALF_OF_INVALID: "R20: mallory is not the enabled account of a human.",
    RefusalCode.REQUESTER_NOT_PERMITTED: "R19: alice is disabled: the change is not released.",
    RefusalCode.OPERATOR_UNKNOWN: "R25: it is not known which person operates applier.",
    RefusalCode.OPERATOR_INVOLVED: "R25: the operator of this applier is the requester.",
    RefusalCode.NOT_YET: "R27: the change can be applied from 2026-01-02 00:00Z on.",
    RefusalCode.WINDOW_OVER: "R27: the change could be applied until 2026-01-02 00:00Z only.",
    RefusalCode.SET_INVALID: "R29: base is of each member.",
    RefusalCode.SET_INCOMPLETE: "R29: not all members of this set are there yet.",
    RefusalCode.PART_OF_SET: "R29: it is part of the set 3-7 and decided there.",
    RefusalCode.BEING_APPLIED: "R22: applier has claimed the change and may apply it.",
    RefusalCode.CLAIM_SUPERSEDED: "Claim 44 is not the request's current claim.",
    RefusalCode.LEASE_ENDED: "The lease has ended: the outcome is unknown.",
    RefusalCode.LEASE_LIMIT: "A claim is held for at most 24 hours.",
    RefusalCode.SETTLEMENT_REQUIRED: "Two administrators must settle this outcome.",
    RefusalCode.QUOTA_EXCEEDED: "500 of your requests are open.",
    RefusalCode.OWN_SIGNATURE_REQUIRED: "Policy apps counts approvals with the approver's own key only.",
}
REFUSALS: Final = {
    "plain": Refusal(code=RefusalCode.OWN_REQUEST, detail="R9: this request is your own."),
    "resource-locked": Refusal(
        code=RefusalCode.RESOURCE_LOCKED,
        detail="R10: request 2-41 for this object is open.",
        open_request="2-41",
    ),
    "misrouted": Refusal(code=RefusalCode.MISROUTED, detail="It belongs in partition 2, not 0.", partition=2),
    "id-reused": Refusal(code=RefusalCode.ID_REUSED, detail="The id stands for other bytes.", decided=41),
    "too-many-commands": Refusal(
        code=RefusalCode.TOO_MANY_COMMANDS,
        detail="alice has sent 60,000 commands to this partition within a minute.",
        again_at=AT + 60_000,
    ),
    "field-required": Refusal(
        code=RefusalCode.FIELD_REQUIRED,
        detail="R24: policy apps for app demands the field fallback.",
        field="fallback",
    ),
    "stale-base": Refusal(
        code=RefusalCode.STALE_BASE,
        detail="R26: the change was made from 17, and the newest version is 18.",
        current="18",
    ),
    **{code.value: Refusal(code=code, detail=detail) for code, detail in _DETAILS.items()},
}

CHANGE: Final = Change(
    request=REQUEST, resource=RESOURCE, operation="edit", requester="alice", justification="Größe",
    digest=DIGEST, submission=SUBMITTED, released=44, at=AT, payload=Raw(PAYLOAD),
)  # fmt: skip


def tag(message: msgspec.Struct) -> str:
    """`submit-change.v1` of a SubmitChange."""
    return str(message.__struct_config__.tag).removeprefix("assent.")


FOLDERS: Final[dict[str, tuple[msgspec.Struct, ...]]] = {
    "commands": COMMANDS,
    "governance-commands": GOVERNANCE_COMMANDS,
    "governance-changes": GOVERNANCE_CHANGES,
    "events": EVENTS,
    "governance-events": GOVERNANCE_EVENTS,
    "changes": (CHANGE,),
}


def golden_files() -> dict[str, bytes]:
    """File name, relative to golden/, to the bytes that today's code writes."""
    files = {
        f"{folder}/{tag(message)}.json": encode(message)
        for folder, messages in FOLDERS.items()
        for message in messages
    }
    files |= {f"command-variants/{name}.json": encode(command) for name, command in COMMAND_VARIANTS.items()}
    files |= {f"event-variants/{name}.json": encode(event) for name, event in EVENT_VARIANTS.items()}
    files |= {f"refusals/{name}.json": encode(refusal) for name, refusal in REFUSALS.items()}
    files |= {f"records/{name}.json": encode(record) for name, record in RECORDS.items()}
    return files | {f"signed/{name}.json": signed_bytes(signed) for name, signed in SIGNED.items()}


def main() -> None:
    """Write the missing files; existing ones are not touched."""
    for name, content in golden_files().items():
        path = GOLDEN / name
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)


if __name__ == "__main__":
    main()
