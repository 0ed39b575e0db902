"""The stories behind the matrix of request commands: every status of every type of request.

alice has submitted, carol's approval counts, fred has approved and then left the group, and rex has rejected
(where one rejection does not end it). root1 and root2 also administer and approve; the matrix is not about
them. Every policy requires three approvals and three rejections.
"""

from functools import cache
from typing import Final

import msgspec
from msgspec import Raw

from assent_contracts import commands as c
from assent_contracts.access_policies import BUILT_IN_TYPES, ApprovalRule, Policy
from assent_contracts.core.governance.decide import decide_change
from assent_contracts.core.governance.state import Governance
from assent_contracts.digests import sha256_hex
from assent_contracts.events import ChangeClaimed, ChangeSubmitted
from assent_contracts.governance_changes import (
    SETTINGS,
    AssignRole,
    ChangeSettings,
    CreatePolicy,
    DefineGroup,
    DisablePrincipal,
    EditPolicy,
    GovernanceChange,
    WithdrawRole,
    group_object,
    policy_object,
    role_object,
)
from assent_contracts.governance_objects import Group, Role, RoleAssignment, Settings
from assent_contracts.refusals import Refusal
from tests.support.two_ledgers import DAY_MS, TwoLedgers, account
from tests.unit.authorization.request_cells import ROLES, Cell

ACTORS: Final[dict[str, tuple[str, str]]] = {
    "requester": ("alice", "alice-key"),
    "second account of the requester": ("alice2", "alice2-key"),
    "approver who has not decided": ("bob", "bob-key"),
    "approver of another policy": ("otto", "otto-key"),
    "former approver": ("fred", "fred-key"),
    "approver whose approval stands": ("carol", "carol-key"),
    "approver who has rejected": ("rex", "rex-key"),
    "disabled approver": ("dora", "dora-key"),
    "service among the approvers": ("svc", "svc-key"),
    "approver through a gateway": ("gail", "gate-key"),
    "approver through a service that is no gateway": ("gail", "loud-key"),
    "service through a gateway": ("svc", "gate-key"),
    "applier of this type": ("app1", "app1-key"),
    "applier of another type": ("app2", "app2-key"),
    "applier that claimed": ("app3", "app3-key"),
    "stranger": ("stan", "stan-key"),
}
"""For each relation: which account it is, and whose key signs."""
_PEOPLE: Final = ("alice", "bob", "carol", "dora", "fred", "gail", "otto", "rex", "root1", "root2", "stan")
_SERVICES: Final = ("app1", "app2", "app3", "gate", "loud", "svc")
_APPROVERS: Final = (
    *("alice", "alice2", "bob", "carol", "dora", "fred", "gail", "rex", "root1", "root2", "svc"),
)
_OTHER_BYTES: Final = sha256_hex(b"other")


def _policy(policy: str, kind: str, group: str = "approvers", quorum: int = 3) -> Policy:
    rules = (ApprovalRule(quorum=quorum, groups=(group,)),)
    own = kind == "vault"
    return Policy(
        id=policy, name=policy, resource_type=kind, approvals=rules, rejections=quorum, own_signature=own
    )


def _role(name: str, role: Role, *principals: str, types: tuple[str, ...] = ()) -> AssignRole:
    return AssignRole(
        assignment=RoleAssignment(id=name, role=role, principals=principals, resource_types=types)
    )


def _founding() -> list[GovernanceChange]:
    accounts = [account(name, f"p-{name}") for name in _PEOPLE]
    accounts += [account("alice2", "p-alice"), *(account(name, None) for name in _SERVICES)]
    return [
        *(change for each in accounts for change in each),
        DefineGroup(group=Group(id="approvers", members=_APPROVERS)),
        DefineGroup(group=Group(id="others", members=("otto", "root1", "root2"))),
        _role("roots", "administrator", "root1", "root2"),
        _role("gates", "gateway", "gate"),
        _role("appliers", "applier", "app1", "app3", types=("app", "vault", *sorted(BUILT_IN_TYPES))),
        _role("other-appliers", "applier", "app2", types=("other",)),
        _role("then-requester", "requester", "alice", types=("app", "vault")),
        _role("then-administrator", "administrator", "alice"),
        CreatePolicy(policy=_policy("apps", "app")),
        CreatePolicy(policy=_policy("vaults", "vault")),
        CreatePolicy(policy=_policy("policies", "access-policy")),
        CreatePolicy(policy=_policy("governed", "governance")),
        ChangeSettings(settings=Settings()),
        CreatePolicy(policy=_policy("others", "other", "others", 1)),
    ]


class World:
    """One request of one type, brought to one status by real decisions.

    The founding stays open: the founder changes governance where two administrators would be needed.
    """

    def __init__(self, kind: str, status: str) -> None:
        self.kind = kind
        self.built_in = kind in BUILT_IN_TYPES
        built_in = {"access-policy": policy_object("apps"), "governance": SETTINGS}
        self.resource = built_in.get(kind, f"{kind}/one")
        self.ledgers = TwoLedgers(_founding())
        self.request, self.submission, self.claim = "0-999", _OTHER_BYTES, 0
        self.ledgers.catch_up()
        self._reach(status)
        for name in ("then-requester", "then-administrator"):
            version = self.ledgers.governance.version(role_object(name))
            assert version is not None
            self._found(WithdrawRole(assignment=name, version=version))
        self._found(DisablePrincipal(principal="dora"))
        self.governance = {role: self._with_role(role) for role in ROLES}

    def _found(self, change: GovernanceChange) -> None:
        self.ledgers.found(change)
        self.ledgers.catch_up()

    def _does(self, who: str, command: str) -> None:
        decision = self.ledgers.send(self._command(who, command))
        assert not isinstance(decision, Refusal), (who, command, decision)
        if isinstance(decision[0], ChangeSubmitted):
            self.request, self.submission = decision[0].request, decision[0].submission
        if isinstance(decision[0], ChangeClaimed):
            self.claim = self.ledgers.seq - 1

    def _reach(self, status: str) -> None:
        if status == "unknown":
            return
        self._does("alice", "submit")
        if not self.built_in:
            self._does("rex", "reject")
        self._does("carol", "approve")
        self._does("fred", "approve")
        if status == "approved, quorum lost":
            self._does("root1", "approve")
        self._fred_leaves()
        if status in {"needs approval", "approved, quorum lost"}:
            return
        getattr(self, "_" + status.replace(" ", "_"))()

    def _fred_leaves(self) -> None:
        version = self.ledgers.governance.version(group_object("approvers"))
        members = tuple(name for name in _APPROVERS if name != "fred")
        self._found(DefineGroup(group=Group(id="approvers", members=members), version=version))

    def _approved(self) -> None:
        self._does("root1", "approve")
        self._does("root2", "approve")

    def _released(self) -> None:
        self._approved()
        self._does("alice", "complete")

    def _applying(self) -> None:
        self._released()
        self._does("app3", "claim")

    def _outcome_unknown(self) -> None:
        self._applying()
        self._does("app3", "report unknown")

    def _completed(self) -> None:
        if self.built_in:
            self._released()
            self.ledgers.carry()
            self.ledgers.catch_up()
        else:
            self._applying()
            self._does("app3", "report success")

    def _failed(self) -> None:
        if self.built_in:
            self._released()
            self._found(self.edit("changed meanwhile"))
            self.ledgers.carry()
            self.ledgers.catch_up()
        else:
            self._applying()
            self._does("app3", "report failure")

    def _rejected(self) -> None:
        self._does("root1", "reject")
        if not self.built_in:
            self._does("root2", "reject")

    def _canceled(self) -> None:
        self._does("alice", "cancel")

    def _expired(self) -> None:
        self.ledgers.at += 31 * DAY_MS
        self.ledgers.expire()

    def _with_role(self, role: str) -> Governance:
        governance = self.ledgers.governance
        if role == "none":
            return governance
        # Through a group: no human is named as a gateway, and one in a group of gateways is none either.
        everybody = tuple(dict.fromkeys(who for who, _ in ACTORS.values()))
        given = RoleAssignment(id="matrix", role=msgspec.convert(role, Role), groups=("everybody",))
        group = Group(id="everybody", members=everybody)
        for change in (DefineGroup(group=group), AssignRole(assignment=given)):
            decision = decide_change(governance, change, self.ledgers.at)
            assert not isinstance(decision, Refusal), decision
            governance = governance.after(decision)
        return governance

    def edit(self, description: str) -> GovernanceChange:
        """A change of the policy for `app`, or of the settings, that fits the current governance."""
        governance = self.ledgers.governance
        if self.kind == "governance":
            after = msgspec.structs.replace(governance.settings, lease_ms=governance.settings.lease_ms + 1)
            return ChangeSettings(settings=after, version=governance.version(SETTINGS))
        version = governance.version(policy_object("apps"))
        assert version is not None
        # Another one each time, because a change without an effect is refused.
        said = f"{description}, after {version}"
        policy = msgspec.structs.replace(governance.policies["apps"], description=said)
        return EditPolicy(policy=policy, version=version)

    def _command(self, who: str, command: str) -> c.Command:
        build = self.ledgers.command
        about = {"request": self.request}
        match command:
            case "submit":
                payload = msgspec.json.encode(self.edit(command)) if self.built_in else b"{}"
                said = {"operation": "edit", "justification": "why", "payload": Raw(payload)}
                return build(who, c.SubmitChange, self.resource, **said)
            case "approve":
                return build(who, c.Approve, self.resource, **about, submission=self.submission)
            case "approve other bytes":
                return build(who, c.Approve, self.resource, **about, submission=_OTHER_BYTES)
            case "reject":
                return build(who, c.Reject, self.resource, **about, submission=self.submission)
            case "complete":
                return build(who, c.Complete, self.resource, **about, submission=self.submission)
            case "close":
                return build(who, c.CloseRequest, self.resource, **about, reason="why")
            case "report success" | "report failure" | "report unknown":
                outcomes = {"success": "succeeded", "failure": "failed", "unknown": "unknown"}
                said = about | {"outcome": outcomes[command.removeprefix("report ")]}
                return build(who, c.ReportOutcome, self.resource, **said)
            case "settle as succeeded" | "settle by a retry":
                outcome = "retry" if command.endswith("retry") else "succeeded"
                return build(who, c.Settle, self.resource, **about, outcome=outcome, reason="why")
            case _:
                kinds = {
                    "revoke": c.Revoke,
                    "cancel": c.Cancel,
                    "claim": c.Claim,
                    "renew": c.RenewLease,
                }
                of_claim = {"claim": self.claim} if command == "renew" else {}
                return build(who, kinds[command], self.resource, **about, **of_claim)

    def answer(self, cell: Cell) -> tuple[object, ...] | Refusal:
        """The real decision; nothing is kept."""
        who, key = ACTORS[cell.relation]
        self.ledgers.seen = self.governance[cell.role]
        return self.ledgers.send(self._command(who, cell.command), key=key, keeps=False)


@cache
def world(kind: str, status: str) -> World:
    """The world of this type and status, built once."""
    return World(kind, status)
