"""The matrix of request commands: its axes, and the facts of each cell in the stories of `request_world`."""

from typing import Final, NamedTuple

from assent_contracts.access_policies import BUILT_IN_TYPES

KINDS: Final = ("app", "vault", "access-policy", "governance")
"""An ordinary type, one whose policy requires own signatures, and the built-in ones."""
ROLES: Final = (
    *("administrator", "requester", "approver", "applier", "auditor", "gateway", "directory", "none"),
)
COMMANDS: Final = (
    *("submit", "approve", "approve other bytes", "reject", "revoke", "cancel", "complete", "close"),
    *("claim", "renew", "report success", "report failure", "report unknown"),
    *("settle as succeeded", "settle by a retry"),
)
OPEN: Final = (
    *("needs approval", "approved", "approved, quorum lost", "released", "applying", "outcome unknown"),
)
ENDED: Final = ("rejected", "canceled", "completed", "failed", "expired")
STATUSES: Final = ("unknown", *OPEN, *ENDED)
RELEASED: Final = {"released", "applying", "outcome unknown"}

HIS_OWN: Final = {"requester", "second account of the requester"}
SERVICES: Final = {
    "service among the approvers",
    "service through a gateway",
    "applier of this type",
    "applier of another type",
    "applier that claimed",
}
APPROVERS: Final = {
    *HIS_OWN,
    "approver who has not decided",
    "approver whose approval stands",
    "approver who has rejected",
    "disabled approver",
    "service among the approvers",
    "service through a gateway",
    "approver through a gateway",
}
"""The members of this policy's approver group now."""


class Cell(NamedTuple):
    """One square of the matrix."""

    command: str
    role: str
    relation: str
    status: str
    kind: str

    @property
    def built_in(self) -> bool:
        return self.kind in BUILT_IN_TYPES

    @property
    def administers(self) -> bool:
        return self.role == "administrator"

    @property
    def is_named(self) -> bool:
        """R4. Changes to governance are approved by administrators, and by those whom the policy names."""
        return self.relation in APPROVERS or (self.built_in and self.administers)

    @property
    def freds_counts(self) -> bool:
        """fred has left the group; for a change to governance, being an administrator is enough."""
        return self.built_in and self.administers

    @property
    def has_freds(self) -> bool:
        """Whether fred's approval is on the request; it lapsed on those that others approved afterwards."""
        return self.status in {"needs approval", "approved, quorum lost"}

    @property
    def has_approved(self) -> bool:
        """Whether there is an approval of this actor's on the request, whether or not it still counts."""
        if self.relation == "former approver":
            return self.has_freds
        return self.relation == "approver whose approval stands"

    @property
    def has_rejected(self) -> bool:
        """Where one rejection ends a request, an open request has none."""
        return self.relation == "approver who has rejected" and not self.built_in

    @property
    def applies(self) -> bool:
        return self.role == "applier" or self.relation in {"applier of this type", "applier that claimed"}

    @property
    def settles(self) -> bool:
        return self.administers and self.relation not in SERVICES


def statuses_of(kind: str) -> tuple[str, ...]:
    """The statuses that a request of this type can have: a change to governance is never claimed."""
    if kind not in BUILT_IN_TYPES:
        return STATUSES
    return tuple(status for status in STATUSES if status not in {"applying", "outcome unknown"})
