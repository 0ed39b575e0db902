"""The golden chain: one governance record and five request records, each chained to the one before."""

from typing import Final

from msgspec import Raw

from assent_contracts import commands as c
from assent_contracts import events as e
from assent_contracts import governance_messages as g
from assent_contracts.access_policies import ApprovalRule, PolicyTerms
from assent_contracts.client.keys import SecretKey
from assent_contracts.codec import encode
from assent_contracts.digests import sha256_hex, to_base64url
from assent_contracts.governance_objects import Founding
from assent_contracts.ledger import GENESIS_PREV, DecisionRecord, OmittedCommand, RecordedCommand
from assent_contracts.partitioner import partition_for
from assent_contracts.refusals import Refusal, RefusalCode
from assent_contracts.signing import NO_IDENTITY, command_message

AT: Final = 1_767_225_600_000
"""2026-01-01T00:00:00Z."""
DAY: Final = 24 * 60 * 60 * 1_000

PARTITIONS: Final = 4
RESOURCE: Final = "app/payroll"
PARTITION: Final = partition_for(RESOURCE.encode(), PARTITIONS)
REQUEST: Final = f"{PARTITION}-0"
PAYLOAD: Final = '{"version": 2,  "name":"L\\u00f6hne ✓"}'.encode()
"""With spaces, an escape and text beyond ASCII: bytes that the reader's own encoder would not write."""

ALICE: Final = SecretKey("alice-key", "alice", bytes(range(32)))
WRITER: Final = SecretKey("writer-1", "decider", bytes(range(32, 64)))
FOUNDER: Final = SecretKey("founder-key", "founder", bytes(range(64, 96)))
RECOVERY: Final = SecretKey("recovery", "recovery", bytes(range(96, 128)))

SUBMISSION: Final = encode(
    c.SubmitChange(
        id="c-1", principal="alice", at=AT, resource=RESOURCE, operation="edit", justification="New rates.",
        payload=Raw(PAYLOAD),
    )
)  # fmt: skip
OWN_APPROVAL: Final = encode(
    c.Approve(
        id="c-2",
        principal="alice",
        at=AT + 500,
        resource=RESOURCE,
        request=REQUEST,
        submission=sha256_hex(SUBMISSION),
    )
)
UNREADABLE: Final = b"not a command \xff"
TERMS: Final = PolicyTerms(
    policy="apps", since=12, rules=(ApprovalRule(quorum=1, groups=("app-approvers",)),)
)
"""The requirements of a policy that sets nothing optional."""


def signed(key: SecretKey, value: bytes, identity: str) -> RecordedCommand:
    """A command as the ledger embeds it."""
    signature = to_base64url(key.sign(command_message(identity, value)))
    return RecordedCommand(value=Raw(value), key=key.id, signature=signature)


def _records() -> dict[str, DecisionRecord]:
    expires = AT + 1_000 + 30 * DAY
    decisions: tuple[tuple[str, dict[str, object]], ...] = (
        (
            "submission",
            {
                "input": 0,
                "received": AT + 1_000,
                "at": AT + 1_000,
                "command": signed(ALICE, SUBMISSION, IDENTITY),
                "events": (
                    e.ChangeSubmitted(
                        request=REQUEST, resource=RESOURCE, operation="edit",
                        requester="alice", person="p-17", submission=sha256_hex(SUBMISSION),
                        digest=sha256_hex(PAYLOAD),
                        terms=(TERMS,),
                        deadline=expires,
                    ),
                ),
            },
        ),
        (
            "refusal",
            {
                "input": 1,
                "received": AT + 2_000,
                "at": AT + 2_000,
                "command": signed(ALICE, OWN_APPROVAL, IDENTITY),
                "refusal": Refusal(code=RefusalCode.OWN_REQUEST, detail="R9: this request is your own."),
            },
        ),
        (
            "repeated",
            {
                "input": 2,
                "received": AT + 1_999,
                "at": AT + 2_000,
                "command": signed(ALICE, SUBMISSION, IDENTITY),
                "events": (e.CommandRepeated(decided=0),),
            },
        ),
        (
            "unreadable",
            {
                "input": 3,
                "received": AT + 3_000,
                "at": AT + 3_000,
                "command": OmittedCommand(sha256=sha256_hex(UNREADABLE), size=len(UNREADABLE)),
                "refusal": Refusal(code=RefusalCode.MALFORMED, detail="The record is not one JSON object."),
            },
        ),
        ("expiry", {"at": expires, "events": (e.RequestExpired(request=REQUEST),)}),
    )  # fmt: skip
    records: dict[str, DecisionRecord] = {}
    prev = IDENTITY
    for seq, (name, fields) in enumerate(decisions):
        records[name] = DecisionRecord(seq=seq, prev=prev, epoch=1, governance=0, **fields)  # type: ignore[arg-type]
        prev = sha256_hex(encode(records[name]))
    return records


_FOUNDING: Final = Founding(
    founder=FOUNDER.public,
    recovery=RECOVERY.public,
    writers={WRITER.id: WRITER.public},
    partitions=PARTITIONS,
)
_FOUND_LOG: Final = encode(g.FoundLog(id="g-1", principal="founder", at=AT, founding=_FOUNDING))
GOVERNANCE_0: Final = DecisionRecord(
    seq=0, prev=GENESIS_PREV, epoch=1, at=AT, command=signed(FOUNDER, _FOUND_LOG, NO_IDENTITY),
    events=(g.LogFounded(founding=_FOUNDING),),
)  # fmt: skip
IDENTITY: Final = sha256_hex(encode(GOVERNANCE_0))
CHAIN: Final = _records()
"""The records of the request ledger in order; the last one is sealed."""
RECORDS: Final = {**CHAIN, "governance-0": GOVERNANCE_0}
