"""One example of every message: what the golden files hold.

A golden file is never rewritten, for the ledger keeps every byte for ever: a message that changes gets a
new version. `python -m tests.contract.examples` writes the files that are missing.
"""

from pathlib import Path
from typing import Final

import msgspec
from msgspec import Raw

from assent_contracts import commands as c
from assent_contracts import events as e
from assent_contracts import governance as g
from assent_contracts.changes import Change
from assent_contracts.codec import encode
from assent_contracts.digests import sha256_hex
from assent_contracts.refusals import Refusal, RefusalCode
from tests.contract.golden_chain import (
    AT,
    DAY,
    FOUNDER,
    PAYLOAD,
    RECORDS,
    REQUEST,
    RESOURCE,
    WRITER,
)
from tests.contract.signed_examples import SIGNED, signed_bytes

GOLDEN: Final = Path(__file__).parent / "golden"
DIGEST: Final = sha256_hex(PAYLOAD)

_ABOUT = {"id": "c-1", "principal": "alice", "at": AT, "resource": RESOURCE}
COMMANDS: Final[tuple[c.Command, ...]] = (
    c.SubmitChange(
        **_ABOUT, operation="edit", justification="Größe „neu“\nzwei Zeilen", payload=Raw(PAYLOAD)
    ),
    c.Approve(**_ABOUT, request=REQUEST, digest=DIGEST, note="Looks right."),
    c.Reject(**_ABOUT, request=REQUEST, note="Not on a Friday."),
    c.Revoke(**_ABOUT, request=REQUEST, note="I missed something."),
    c.Cancel(**_ABOUT, request=REQUEST),
    c.Complete(**_ABOUT, request=REQUEST),
    c.Claim(**_ABOUT, request=REQUEST),
    c.ReportOutcome(**_ABOUT, request=REQUEST, outcome="failed", message="The disk is full."),
)

FOUNDING: Final = g.Founding(founder=FOUNDER.public, writers={"writer-1": WRITER.public}, partitions=4)
ACCOUNT: Final = g.Account(id="alice", kind="human", person="p-17", name="Alice Ä.")
KEY: Final = g.SigningKey(
    id="alice-key", principal="alice", public_key=FOUNDER.public, not_before=AT, not_after=AT + 365 * DAY
)
GROUP: Final = g.Group(id="app-approvers", name="App approvers", members=("bob", "carol"))
ASSIGNMENT: Final = g.RoleAssignment(
    id="app-requesters",
    role="requester",
    groups=("staff",),
    principals=("upstream",),
    resource_types=("app",),
)
POLICY: Final = g.Policy(
    id="apps", name="Apps", description="Two people for apps.", resource_type="app", quorum=2,
    groups=("app-approvers",),
)  # fmt: skip

_OF_GOVERNANCE = {"id": "g-1", "principal": "founder", "at": AT}
GOVERNANCE_COMMANDS: Final[tuple[g.GovernanceCommand, ...]] = (
    g.FoundLog(**_OF_GOVERNANCE, founding=FOUNDING),
    g.RegisterPrincipal(**_OF_GOVERNANCE, account=ACCOUNT),
    g.RegisterKey(**_OF_GOVERNANCE, key=KEY),
    g.DefineGroup(**_OF_GOVERNANCE, group=GROUP),
    g.AssignRole(**_OF_GOVERNANCE, assignment=ASSIGNMENT),
    g.ChangeSettings(**_OF_GOVERNANCE, settings=g.Settings(unprotected="pass")),
    g.CreatePolicy(**_OF_GOVERNANCE, policy=POLICY),
    g.CloseFounding(**_OF_GOVERNANCE),
)
GOVERNANCE_EVENTS: Final[tuple[g.GovernanceEvent, ...]] = (
    g.LogFounded(founding=FOUNDING),
    g.PrincipalRegistered(account=ACCOUNT),
    g.KeyRegistered(key=KEY),
    g.GroupDefined(group=GROUP),
    g.RoleAssigned(assignment=ASSIGNMENT),
    g.SettingsChanged(settings=g.Settings(unprotected="pass")),
    g.PolicyCreated(policy=POLICY),
    g.FoundingClosed(),
)

_LATER: Final = AT + 30 * DAY
EVENTS: Final[tuple[e.Event, ...]] = (
    e.ChangeSubmitted(
        request=REQUEST, resource=RESOURCE, operation="edit", requester="alice", person="p-17", digest=DIGEST,
        terms=(e.PolicyTerms("apps", 2, ("app-approvers",)),), deadline=_LATER,
    ),
    e.ApprovalGiven(request=REQUEST, approver="bob", person="p-18", deadline=_LATER),
    e.RequestApproved(request=REQUEST),
    e.ApprovalRevoked(request=REQUEST, approver="bob", deadline=_LATER),
    e.RequestRejected(request=REQUEST, approver="carol"),
    e.RequestCanceled(request=REQUEST),
    e.ChangeReleased(request=REQUEST, resource=RESOURCE, digest=DIGEST, deadline=_LATER),
    e.ChangeClaimed(request=REQUEST, applier="applier", digest=DIGEST, deadline=AT + 300_000),
    e.RequestCompleted(request=REQUEST, reporter="applier"),
    e.RequestFailed(request=REQUEST, reporter="applier"),
    e.OutcomeUnknown(request=REQUEST, cause="lease-ended"),
    e.RequestExpired(request=REQUEST),
    e.CommandRepeated(decided=41),
)  # fmt: skip

REFUSALS: Final = {
    "plain": Refusal(code=RefusalCode.OWN_REQUEST, detail="R9: this request is your own."),
    "resource-locked": Refusal(
        code=RefusalCode.RESOURCE_LOCKED,
        detail="R10: request 2-41 for this object is open.",
        open_request="2-41",
    ),
    "misrouted": Refusal(code=RefusalCode.MISROUTED, detail="It belongs in partition 2, not 0.", partition=2),
    "id-reused": Refusal(code=RefusalCode.ID_REUSED, detail="The id stands for other bytes.", decided=41),
}

CHANGE: Final = Change(
    request=REQUEST, resource=RESOURCE, operation="edit", requester="alice", justification="Größe",
    digest=DIGEST, released=44, at=AT, payload=Raw(PAYLOAD),
)  # fmt: skip


def tag(message: msgspec.Struct) -> str:
    """`submit-change.v1` of a SubmitChange."""
    return str(message.__struct_config__.tag).removeprefix("assent.")


FOLDERS: Final[dict[str, tuple[msgspec.Struct, ...]]] = {
    "commands": COMMANDS,
    "governance-commands": GOVERNANCE_COMMANDS,
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
    files |= {f"refusals/{name}.json": encode(refusal) for name, refusal in REFUSALS.items()}
    files |= {f"records/{name}.json": encode(record) for name, record in RECORDS.items()}
    return files | {f"signed/{name}.json": signed_bytes(signed) for name, signed in SIGNED.items()}


def main() -> None:
    """Write what is missing; touch nothing that is there."""
    for name, content in golden_files().items():
        path = GOLDEN / name
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)


if __name__ == "__main__":
    main()
