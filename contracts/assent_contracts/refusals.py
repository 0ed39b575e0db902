"""Refusals: an answer, not an exception. For each code there is a sentence on what the sender can do."""

from enum import StrEnum
from typing import Final

import msgspec

from assent_contracts import limits


class RefusalCode(StrEnum):
    """Why a command was refused. Codes are never renamed; new ones are only added."""

    MALFORMED = "malformed"
    UNKNOWN_VERSION = "unknown-version"
    TOO_LARGE = "too-large"
    BAD_SIGNATURE = "bad-signature"
    UNKNOWN_KEY = "unknown-key"
    NOT_PERMITTED = "not-permitted"
    MISROUTED = "misrouted"
    STALE = "stale"
    ID_REUSED = "id-reused"
    RESOURCE_LOCKED = "resource-locked"
    NO_POLICY = "no-policy"
    POLICY_UNSATISFIABLE = "policy-unsatisfiable"
    POLICY_INVALID = "policy-invalid"
    JUSTIFICATION_REQUIRED = "justification-required"
    UNKNOWN_REQUEST = "unknown-request"
    NOT_PENDING = "not-pending"
    NOT_APPROVED = "not-approved"
    NOT_RELEASED = "not-released"
    NOT_CLAIMED = "not-claimed"
    OWN_REQUEST = "own-request"
    NOT_AN_APPROVER = "not-an-approver"
    ALREADY_DECIDED = "already-decided"
    NOT_REQUESTER = "not-requester"
    NOT_AN_APPLIER = "not-an-applier"
    DIGEST_MISMATCH = "digest-mismatch"
    APPROVAL_REQUIRED = "approval-required"
    OUTDATED = "outdated"
    UNKNOWN_OBJECT = "unknown-object"
    ID_TAKEN = "id-taken"
    ALREADY_SO = "already-so"
    TOO_FEW_ADMINISTRATORS = "too-few-administrators"
    TOO_MUCH_VANISHES = "too-much-vanishes"
    QUOTA_EXCEEDED = "quota-exceeded"
    OWN_SIGNATURE_REQUIRED = "own-signature-required"
    IN_USE = "in-use"
    OF_DIRECTORY = "of-directory"
    WRONG_KIND = "wrong-kind"
    LAST_WRITER = "last-writer"
    ON_BEHALF_OF_REQUIRED = "on-behalf-of-required"
    ON_BEHALF_OF_INVALID = "on-behalf-of-invalid"
    REQUESTER_NOT_PERMITTED = "requester-not-permitted"
    BEING_APPLIED = "being-applied"
    TOO_MANY_COMMANDS = "too-many-commands"
    CLAIM_SUPERSEDED = "claim-superseded"
    LEASE_ENDED = "lease-ended"
    LEASE_LIMIT = "lease-limit"
    SETTLEMENT_REQUIRED = "settlement-required"
    FIELD_REQUIRED = "field-required"
    OPERATOR_UNKNOWN = "operator-unknown"
    OPERATOR_INVOLVED = "operator-involved"
    STALE_BASE = "stale-base"
    NOT_YET = "not-yet"
    WINDOW_OVER = "window-over"
    KNOWN_FINDING = "known-finding"
    UNKNOWN_FINDING = "unknown-finding"
    SET_INVALID = "set-invalid"
    SET_INCOMPLETE = "set-incomplete"
    PART_OF_SET = "part-of-set"


class Refusal(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """A command's refusal, as the ledger keeps it.

    `detail` is for people, and a later version may word it differently. Everything else is reproduced exactly
    when the ledger is verified. `detail` is always cut to DETAIL_MAX_CHARS, because it may quote a sender and
    is kept forever.
    """

    code: RefusalCode
    detail: str
    open_request: str | None = None
    """R10: the request that holds the object (`resource-locked`)."""
    partition: int | None = None
    """The partition that the command belongs in (`misrouted`)."""
    decided: int | None = None
    """The seq of the decision that took this id (`id-reused`), or of the finding (`known-finding`)."""
    again_at: int | None = None
    """The log time (ms) from which it can be sent again (`too-many-commands`) or made again (`not-yet`)."""
    field: str | None = None
    """R24: the field that a policy demands (`field-required`)."""
    current: str | None = None
    """R26: the newest known version of the object (`stale-base`)."""

    def __post_init__(self) -> None:
        """Cut the detail to its limit."""
        if len(self.detail) > limits.DETAIL_MAX_CHARS:
            shortened = self.detail[: limits.DETAIL_MAX_CHARS - 1] + "…"
            msgspec.structs.force_setattr(self, "detail", shortened)


WHAT_TO_DO: Final[dict[RefusalCode, str]] = {
    RefusalCode.MALFORMED: (
        "Send one JSON object of a known type, in UTF-8, with the fields that its schema names."
    ),
    RefusalCode.UNKNOWN_VERSION: "Send a version of this message that the contracts list, or upgrade Assent.",
    RefusalCode.TOO_LARGE: "Shorten the named field, or store the content elsewhere and submit its address.",
    RefusalCode.BAD_SIGNATURE: (
        "Sign the exact bytes that you send with the key that you name, and send both headers."
    ),
    RefusalCode.UNKNOWN_KEY: (
        "Use a key that is registered to this principal and valid now, or have one registered."
    ),
    RefusalCode.NOT_PERMITTED: "Ask an administrator for the role, or for the principal to be enabled.",
    RefusalCode.MISROUTED: "Send it to the partition named: hash the key with Kafka's murmur2 partitioner.",
    RefusalCode.STALE: "Correct the clock, make the command again with a new id and send it within 24 hours.",
    RefusalCode.ID_REUSED: "Use a new command id: this one was used for other bytes.",
    RefusalCode.RESOURCE_LOCKED: "Wait for the named open request to end, or have it canceled.",
    RefusalCode.NO_POLICY: "Have an administrator create an access policy for this resource type.",
    RefusalCode.POLICY_UNSATISFIABLE: (
        "Ask for at least one person, and no more than there are besides one requester: change the number,"
        " add people to the groups, or register keys."
    ),
    RefusalCode.POLICY_INVALID: "Correct the named field of the policy.",
    RefusalCode.JUSTIFICATION_REQUIRED: "State in the justification why the change is needed.",
    RefusalCode.UNKNOWN_REQUEST: (
        "Check the request id and the object; requests that ended days ago are in the audit log."
    ),
    RefusalCode.NOT_PENDING: (
        "There is nothing to decide: look at the request's status. If it has ended, submit the change again."
    ),
    RefusalCode.NOT_APPROVED: (
        "Wait until the request has the approvals that its policy asks for, then complete it."
    ),
    RefusalCode.NOT_RELEASED: (
        "Wait until the requester has completed the request. If it has ended, drop the change."
    ),
    RefusalCode.NOT_CLAIMED: (
        "Claim the request first. Another applier may hold it, or its outcome may already be known."
    ),
    RefusalCode.OWN_REQUEST: (
        "Ask another person: you cannot decide on your own request, from any of your accounts."
    ),
    RefusalCode.NOT_AN_APPROVER: "Ask a member of the policy's approver groups to decide.",
    RefusalCode.ALREADY_DECIDED: "Nothing to do: your decision on this request is recorded.",
    RefusalCode.NOT_REQUESTER: "Ask the requester: only they can do this.",
    RefusalCode.NOT_AN_APPLIER: "Have an administrator assign the role applier for this resource type.",
    RefusalCode.DIGEST_MISMATCH: "Look at the request again: what you decided on is not what was submitted.",
    RefusalCode.APPROVAL_REQUIRED: (
        "Submit the change as a request: another administrator approves it, then it is carried out."
    ),
    RefusalCode.OUTDATED: "Look at the current state, and make your change or decision again from there.",
    RefusalCode.UNKNOWN_OBJECT: "Check the id: governance has no object with it.",
    RefusalCode.ID_TAKEN: "Choose another id, or change the object that has this one.",
    RefusalCode.ALREADY_SO: "Nothing to do: governance already is this way.",
    RefusalCode.TOO_FEW_ADMINISTRATORS: (
        "Give another person the role administrator and a key first: at least two must remain who can act."
    ),
    RefusalCode.TOO_MUCH_VANISHES: (
        "Check that the directory's export is complete. If it is, synchronise in smaller steps, or have"
        " vanish_max_percent raised."
    ),
    RefusalCode.QUOTA_EXCEEDED: "Wait until some of your open requests have ended, or cancel some.",
    RefusalCode.OWN_SIGNATURE_REQUIRED: "Sign with your own key, from the command line.",
    RefusalCode.IN_USE: "First change or remove what names it.",
    RefusalCode.OF_DIRECTORY: "Change it in the directory, and synchronise.",
    RefusalCode.WRONG_KIND: "Name an account of the other kind: a service or a human, as the detail states.",
    RefusalCode.LAST_WRITER: "Add another writer first: without a writer nothing can be decided.",
    RefusalCode.ON_BEHALF_OF_REQUIRED: (
        "Name in on_behalf_of the account of the person on whose behalf you submit the change."
    ),
    RefusalCode.ON_BEHALF_OF_INVALID: (
        "Name the enabled account of a human in on_behalf_of. Leave it out if you are not a service."
    ),
    RefusalCode.REQUESTER_NOT_PERMITTED: (
        "Have an administrator restore what the requester lacks, then complete the request. Otherwise have"
        " the request closed."
    ),
    RefusalCode.BEING_APPLIED: (
        "Wait for the outcome. If it stays unknown, find out whether the change was applied, and settle it."
    ),
    RefusalCode.TOO_MANY_COMMANDS: (
        "Send it again unchanged from the named time on. If this happens often, have the setting raised."
    ),
    RefusalCode.CLAIM_SUPERSEDED: (
        "Stop: this claim is not the request's current one. Drop the change, and tell people what you did."
    ),
    RefusalCode.LEASE_ENDED: (
        "Stop applying the change, and report what you know of its outcome. People settle it otherwise."
    ),
    RefusalCode.LEASE_LIMIT: "Finish and report before the lease ends: a claim cannot be held for longer.",
    RefusalCode.SETTLEMENT_REQUIRED: (
        "Settle the outcome with assent.settle.v1: the policy asks for two administrators who agree."
    ),
    RefusalCode.FIELD_REQUIRED: (
        "Fill in the named field and submit the change again: a policy for its type demands it."
    ),
    RefusalCode.OPERATOR_UNKNOWN: "Have an administrator set the operator of the named service.",
    RefusalCode.OPERATOR_INVOLVED: (
        "Let an applier claim it that another person operates, or have the request closed."
    ),
    RefusalCode.STALE_BASE: "Make the change again from the named version, and name that as its base.",
    RefusalCode.NOT_YET: "Make the command again from the named time on: until then the change has to wait.",
    RefusalCode.WINDOW_OVER: "Submit the change again with a later end, or with none.",
    RefusalCode.KNOWN_FINDING: "Nothing to do: this finding is recorded.",
    RefusalCode.UNKNOWN_FINDING: (
        "Check the finding's id and its object. A finding that was closed is in the audit log."
    ),
    RefusalCode.SET_INVALID: "Correct what the detail names, and submit the set and its members again.",
    RefusalCode.SET_INCOMPLETE: (
        "Wait until all members of the set are submitted. If one was refused, cancel the set and submit it"
        " again."
    ),
    RefusalCode.PART_OF_SET: "Decide on the set that the detail names: its members are decided together.",
}
"""What the sender can do, for each code."""
