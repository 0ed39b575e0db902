"""Permissions from the release on, as the last part of the table in `request_rules`."""

from typing import Final

from tests.unit.authorization.request_cells import ENDED, HIS_OWN, RELEASED, Cell
from tests.unit.authorization.rule import Rule, on

_OUTCOMES: Final = {
    "report success": "RequestCompleted",
    "report failure": "RequestFailed",
    "report unknown": "OutcomeUnknown",
}


def _reopened(cell: Cell) -> str:
    return "RequestReopened" if cell.freds_counts else "ApprovalLapsed + RequestReopened"


def reopened(cell: Cell) -> str:
    """What precedes the decision on a request that was approved and has lost its quorum (R22)."""
    return f"{_reopened(cell)} + " if cell.status == "approved, quorum lost" else ""


def _outcome(cell: Cell) -> str:
    return _OUTCOMES[cell.command]


_complete = on("complete")
_close = on("close")
_claim = on("claim")
_report = on(*_OUTCOMES)
_renew = on("renew")
_settle = on("settle as succeeded", "settle by a retry")
_settle_or_report = on(*_OUTCOMES, "settle as succeeded", "settle by a retry")


def _was_claimed(cell: Cell) -> bool:
    return not cell.built_in and cell.status in {"completed", "failed", "applying", "outcome unknown"}


RELEASE_RULES: Final = (
    Rule(
        "R12-ended",
        "An ended request is not released.",
        _complete(lambda cell: cell.status in ENDED),
        "not-approved",
    ),
    Rule(
        "R12-requester",
        "Only the account that submitted can complete.",
        _complete(lambda cell: cell.relation != "requester"),
        "not-requester",
    ),
    Rule(
        "R1",
        "Nothing is released without approval.",
        _complete(lambda cell: cell.status == "needs approval"),
        "not-approved",
    ),
    Rule(
        "R19",
        "Nothing is released for a requester who may no longer request it.",
        _complete(
            lambda cell: (
                cell.status == "approved"
                and not (cell.administers if cell.built_in else cell.role == "requester")
            )
        ),
        "requester-not-permitted",
    ),
    Rule(
        "R12-release",
        "A request whose approvals still meet the quorum is released.",
        _complete(lambda cell: cell.status == "approved"),
        "ChangeReleased",
    ),
    Rule(
        "R1-lost",
        "A request whose approvals no longer meet the quorum needs approval again.",
        _complete(lambda cell: cell.status == "approved, quorum lost"),
        _reopened,
    ),
    Rule("R12-once", "A request is released once.", _complete(lambda cell: True), "already-decided"),
    Rule(
        "R22-administrator",
        "Only a person who administers the type closes a request.",
        _close(lambda cell: not cell.settles),
        "not-permitted",
    ),
    Rule(
        "R22-own",
        "Nobody closes their own request as an administrator.",
        _close(lambda cell: cell.relation in HIS_OWN),
        "own-request",
    ),
    Rule(
        "R22-applying",
        "A request that may have been applied cannot be closed.",
        _close(
            lambda cell: (
                cell.status in {"applying", "outcome unknown"}
                or (cell.built_in and cell.status == "released")
            )
        ),
        "being-applied",
    ),
    Rule("R22-close", "Any other open request can be closed.", _close(lambda cell: True), "RequestClosed"),
    Rule(
        "carried",
        "No applier receives a change to governance: Assent carries it out.",
        _claim(lambda cell: cell.built_in),
        "not-an-applier",
    ),
    Rule(
        "R12-applier",
        "Only the type's appliers claim.",
        _claim(lambda cell: not cell.applies),
        "not-an-applier",
    ),
    Rule(
        "R1-claim",
        "Only a released request that has not ended can be claimed.",
        _claim(lambda cell: cell.status not in RELEASED),
        "not-released",
    ),
    Rule(
        "R12-claim",
        "The first applier to claim gets the released change.",
        _claim(lambda cell: cell.status == "released"),
        "ChangeClaimed",
    ),
    Rule("R12-claimed", "Nothing is claimed twice.", _claim(lambda cell: True), "already-decided"),
    Rule(
        "R12-unclaimed",
        "A change that nobody is applying has no outcome.",
        _report(lambda cell: cell.status not in {"applying", "outcome unknown"}),
        "not-claimed",
    ),
    Rule(
        "R9-settle",
        "Nobody settles their own request as an administrator.",
        _report(lambda cell: cell.status == "outcome unknown" and cell.settles and cell.relation in HIS_OWN),
        "own-request",
    ),
    Rule(
        "R12-reporter",
        "The applier that claimed reports, or an administrator once the outcome is unknown.",
        _report(
            lambda cell: (
                cell.relation != "applier that claimed"
                and not (cell.status == "outcome unknown" and cell.settles)
            )
        ),
        "not-claimed",
    ),
    Rule(
        "settle-administrator",
        "Only a person who administers the type settles an outcome.",
        _settle(lambda cell: not cell.settles),
        "not-permitted",
    ),
    Rule(
        "settle-own",
        "Nobody settles their own request.",
        _settle(lambda cell: cell.relation in HIS_OWN),
        "own-request",
    ),
    Rule(
        "settle-applying",
        "As long as its applier may report, nobody else settles the outcome.",
        _settle(lambda cell: cell.status == "applying"),
        "being-applied",
    ),
    Rule(
        "settle-unknown",
        "Only an unknown outcome is settled.",
        _settle(lambda cell: cell.status != "outcome unknown"),
        "not-pending",
    ),
    Rule(
        "settle-own-signature",
        "Where the policy requires it, administrators settle with their own key, by a report too.",
        _settle_or_report(
            lambda cell: (
                cell.status == "outcome unknown"
                and cell.kind == "vault"
                and cell.relation == "approver through a gateway"
            )
        ),
        "own-signature-required",
    ),
    Rule(
        "R19-retry",
        "Nothing is released again for a requester who may no longer request it.",
        on("settle by a retry")(lambda cell: cell.role != "requester"),
        "requester-not-permitted",
    ),
    Rule(
        "settle",
        "An administrator settles it as succeeded.",
        on("settle as succeeded")(lambda cell: True),
        "RequestCompleted",
    ),
    Rule(
        "renew-before",
        "Nothing is renewed before the release.",
        _renew(lambda cell: cell.status in {"needs approval", "approved", "approved, quorum lost"}),
        "not-claimed",
    ),
    Rule(
        "renew-other",
        "Only the current claim is renewed.",
        _renew(lambda cell: not _was_claimed(cell)),
        "claim-superseded",
    ),
    Rule(
        "renew-late",
        "A lease that has ended stays ended.",
        _renew(lambda cell: cell.status == "outcome unknown"),
        "lease-ended",
    ),
    Rule(
        "renew-applier",
        "Only the applier that claimed renews, while it applies.",
        _renew(lambda cell: cell.status in ENDED or cell.relation != "applier that claimed"),
        "not-claimed",
    ),
    Rule("renew", "The applier that claimed renews its lease.", _renew(lambda cell: True), "LeaseRenewed"),
    Rule(
        "R12-still",
        "An unknown outcome is reported once.",
        on("report unknown")(lambda cell: cell.status == "outcome unknown"),
        "already-decided",
    ),
    Rule("R12-outcome", "The outcome is the reported one.", _report(lambda cell: True), _outcome),
)
