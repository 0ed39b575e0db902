"""Permissions to change governance, at once or not: the rules as an ordered table, independent of the code.

The first rule that applies to a cell determines its answer: at once, or the refusal's code.
"""

from collections.abc import Callable
from typing import Final, NamedTuple

AT_ONCE: Final = "at once"
APPROVAL: Final = "approval-required"
ROLES: Final = (
    *("administrator", "administrator of app", "disabled administrator", "former administrator"),
    *("service that administers", "requester", "approver", "applier", "auditor", "gateway"),
    *("directory", "none"),
)
SERVICES: Final = {"service that administers", "gateway"}
"""The actors that are not human."""
OWNERS: Final = ("own", "other")
PHASES: Final = ("before", "after")
"""The first policy."""
SIGNERS: Final = ("the account", "a gateway")

OF_APP: Final = {"create-policy", "edit-policy"}
"""Changes that an administrator of only `app` may request, whether or not there is such a policy."""
WIDENS: Final = {
    "enable-principal",
    "set-operator",
    "register-key",
    "add-writer",
    "retire-writer",
    "correct-time",
    "define-group, guarded",
    "assign-role, administrator",
    "assign-role, approver",
    "assign-role, gateway",
    "assign-role, directory",
    "assign-role, approver again",
    "withdraw-role, approver",
    "change-settings, looser",
    "change-settings, shorter",
    "create-policy",
    "create-policy, of another type",
    "edit-policy",
    "delete-policy",
    "sync-directory, guarded",
    "sync-directory, back again",
}
"""Changes that give an account more power, or change protection. A shorter time cuts both ways."""
HARMLESS: Final = {
    "register-principal",
    "disable-principal",
    "expire-key",
    "revoke-key",
    "revoke-keys",
    "define-group, new",
    "define-group, unguarded",
    "delete-group, unguarded",
    "assign-role, requester",
    "assign-role, applier",
    "assign-role, auditor",
    "assign-role, auditor again",
    "withdraw-role, auditor",
    "change-settings, tighter",
    "sync-directory, unguarded",
}


class GovernanceCell(NamedTuple):
    """One square of the matrix."""

    change: str
    role: str
    owner: str
    phase: str
    signer: str

    @property
    def kind(self) -> str:
        return self.change.partition(",")[0]

    @property
    def of_own_key(self) -> bool:
        kinds = {"expire-key", "revoke-key", "revoke-keys"} | (set() if self.is_service else {"register-key"})
        return self.kind in kinds and self.owner == "own"

    @property
    def is_service(self) -> bool:
        return self.role in SERVICES

    @property
    def of_app(self) -> bool:
        return self.change in OF_APP or (self.change == "delete-policy" and self.phase == "after")

    @property
    def administers(self) -> bool:
        everything = self.role in {"administrator", "service that administers"}
        return everything or (self.role == "administrator of app" and self.of_app)


class GovernanceRule(NamedTuple):
    """A rule's id, its text, the cells it applies to (of those without an earlier rule), and the answer."""

    id: str
    sentence: str
    applies: Callable[[GovernanceCell], bool]
    answer: str


GOVERNANCE_RULES: Final = (
    GovernanceRule(
        "service-proxied",
        "A gateway cannot sign a change to governance for a service.",
        lambda cell: cell.is_service and cell.signer == "a gateway",
        "unknown-key",
    ),
    GovernanceRule(
        "disabled",
        "A disabled account can do nothing, not even with its own keys.",
        lambda cell: cell.role == "disabled administrator",
        "not-permitted",
    ),
    GovernanceRule(
        "key-proxied",
        "Registering a key for one's own account through a gateway needs a second administrator.",
        lambda cell: (
            cell.of_own_key
            and cell.kind == "register-key"
            and cell.signer == "a gateway"
            and cell.phase == "after"
        ),
        APPROVAL,
    ),
    GovernanceRule(
        "key-own",
        "People manage their own keys; a service registers none for itself.",
        lambda cell: cell.of_own_key,
        AT_ONCE,
    ),
    GovernanceRule(
        "gateway-gives",
        "A change signed by a gateway gives nobody anything at once, because that requires own signatures.",
        lambda cell: (
            cell.signer == "a gateway"
            and cell.phase == "after"
            and cell.kind in {"register-principal", "define-group", "assign-role", "sync-directory"}
            and cell.change != "assign-role, gateway"
            and (cell.administers or (cell.kind == "sync-directory" and cell.role == "directory"))
        ),
        APPROVAL,
    ),
    GovernanceRule(
        "directory",
        "An account with the role directory synchronises the directory.",
        lambda cell: cell.kind == "sync-directory" and cell.role == "directory",
        AT_ONCE,
    ),
    GovernanceRule(
        "R3",
        "Otherwise, only an administrator for every type, or for the policy's type, changes governance.",
        lambda cell: not cell.administers,
        "not-permitted",
    ),
    GovernanceRule(
        "nothing-there",
        "Before the first policy there is none to edit or delete.",
        lambda cell: cell.kind in {"edit-policy", "delete-policy"} and cell.phase == "before",
        "unknown-object",
    ),
    GovernanceRule(
        "in-use",
        "A group that a policy or role names cannot be deleted.",
        lambda cell: cell.change == "delete-group, guarded",
        "in-use",
    ),
    GovernanceRule(
        "wrong-kind",
        "Only a service can be made a gateway.",
        lambda cell: cell.change == "assign-role, gateway" and not (cell.owner == "own" and cell.is_service),
        "wrong-kind",
    ),
    GovernanceRule(
        "alone",
        "Before the first policy an administrator changes governance alone.",
        lambda cell: cell.phase == "before",
        AT_ONCE,
    ),
    GovernanceRule(
        "two",
        "A change that gives an account more power, or changes protection, needs a second administrator.",
        lambda cell: cell.change in WIDENS,
        APPROVAL,
    ),
    GovernanceRule(
        "tightens",
        "A change that gives nobody more power takes effect at once.",
        lambda cell: cell.change in HARMLESS,
        AT_ONCE,
    ),
)


def explain_change(cell: GovernanceCell) -> tuple[str, str] | None:
    """(rule id, answer) of the first rule that applies; None when no rule does."""
    for rule in GOVERNANCE_RULES:
        if rule.applies(cell):
            return rule.id, rule.answer
    return None
