"""A small organisation, founded by the real rules, that the tests' stories are about.

alice and alice2 are two accounts of one person, bob and bob2 of another. carol and dave administer; mallory
has no role at all. `app` needs one approval, `script` two, `free` has no policy.
"""

from typing import Final

from assent_contracts import governance_changes as c
from assent_contracts.access_policies import ApprovalRule, Policy
from assent_contracts.core.governance.decide import (
    GovernanceDecision,
    decide_at_once,
    decide_change,
    decide_founding,
)
from assent_contracts.core.governance.state import Governance
from assent_contracts.digests import sha256_hex, to_base64url
from assent_contracts.governance_messages import ChangeGovernance, CloseFounding, FoundLog, GovernanceCommand
from assent_contracts.governance_objects import (
    Account,
    Founding,
    Group,
    Role,
    RoleAssignment,
    Settings,
    SigningKey,
)
from assent_contracts.refusals import Refusal

DAY_MS: Final = 24 * 60 * 60 * 1_000
START: Final = 1_767_225_600_000
"""2026-01-01T00:00:00Z in ms: log time when a story begins."""
PARTITIONS: Final = 4

HUMANS: Final = {
    "alice": "p-alice",
    "alice2": "p-alice",
    "bob": "p-bob",
    "bob2": "p-bob",
    "carol": "p-carol",
    "dave": "p-dave",
    "mallory": "p-mallory",
}
SERVICES: Final = ("upstream", "applier", "applier2")
PRINCIPALS: Final = (*HUMANS, *SERVICES)

FOUNDER_NAME: Final = "founder"
_GROUPS: Final = {
    "requesters": ("alice", "alice2", "upstream"),
    "approvers": ("alice", "alice2", "bob", "bob2", "carol"),
    "admins": ("carol", "dave"),
    "appliers": ("applier", "applier2"),
}
_ROLES: Final[dict[Role, str]] = {
    "requester": "requesters",
    "approver": "approvers",
    "administrator": "admins",
    "applier": "appliers",
}
_POLICIES: Final = (("apps", "app", 1), ("scripts", "script", 2))
FOUNDER: Final = to_base64url(bytes(32))
WRITER: Final = to_base64url(bytes([1] * 32))
RECOVERY_KEY: Final = to_base64url(bytes([2] * 32))


def public_key_of(name: str) -> str:
    """An invented public key of a principal: nothing is signed with it."""
    return to_base64url(bytes.fromhex(sha256_hex(name.encode())))


def founding_commands(settings: Settings | None = None) -> list[GovernanceCommand]:
    """The commands that set the organisation up, in order."""
    founding = Founding(
        founder=FOUNDER, recovery=RECOVERY_KEY, writers={"writer-1": WRITER}, partitions=PARTITIONS
    )
    changes = founding_changes(settings)
    close = CloseFounding(id=f"founding-{len(changes) + 1}", principal=FOUNDER_NAME, at=START)
    return [
        FoundLog(id="founding-0", principal=FOUNDER_NAME, at=START, founding=founding),
        *(
            ChangeGovernance(id=f"founding-{number}", principal=FOUNDER_NAME, at=START, change=change)
            for number, change in enumerate(changes, 1)
        ),
        close,
    ]


def founding_changes(settings: Settings | None = None) -> list[c.GovernanceChange]:
    """The changes of the commands between the first and the last one."""
    accounts = [Account(id=name, kind="human", person=person) for name, person in HUMANS.items()]
    accounts += [Account(id=name, kind="service") for name in SERVICES]
    return [
        *(c.RegisterPrincipal(account=account) for account in accounts),
        *(c.RegisterKey(key=key_of(account.id)) for account in accounts),
        *(c.DefineGroup(group=Group(id=i, members=members)) for i, members in _GROUPS.items()),
        *(
            c.AssignRole(assignment=RoleAssignment(id=f"r-{role}", role=role, groups=(group,)))
            for role, group in _ROLES.items()
        ),
        c.ChangeSettings(settings=settings or Settings()),
        *(c.CreatePolicy(policy=policy_of(i, kind, quorum)) for i, kind, quorum in _POLICIES),
    ]


def policy_of(
    name: str, resource_type: str, quorum: int = 1, groups: tuple[str, ...] = ("approvers",)
) -> Policy:
    """A policy with one rule."""
    rule = ApprovalRule(quorum=quorum, groups=groups)
    return Policy(id=name, name=name, resource_type=resource_type, approvals=(rule,))


def key_of(principal: str) -> SigningKey:
    """The principal's key, `<principal>-key`, valid for 400 days from the start."""
    return SigningKey(
        id=f"{principal}-key",
        principal=principal,
        public_key=public_key_of(principal),
        not_before=START,
        not_after=START + 400 * DAY_MS,
    )


def govern(governance: Governance, command: GovernanceCommand, at: int = START) -> Refusal | None:
    """Decide one governance command and apply its events; returns the refusal, if it is one.

    The founder's while the founding is open, then that of the account that it names.
    """
    if governance.founder is not None or governance.seq == -1:
        return _take_in(governance, decide_founding(governance, command, at))
    return _take_in(governance, decide_at_once(governance, command, at, through=None))


def change(
    governance: Governance,
    principal: str,
    change: c.GovernanceChange,
    at: int = START,
    through: str | None = None,
) -> Refusal | None:
    """Decide a change that an account makes at once, and apply it; returns the refusal, if it is one."""
    command = ChangeGovernance(id="g", principal=principal, at=at, change=change)
    return _take_in(governance, decide_at_once(governance, command, at, through=through))


def force(governance: Governance, change: c.GovernanceChange, at: int = START) -> None:
    """Make a change as an approved release would; it must fit."""
    decision = decide_change(governance, change, at)
    assert not isinstance(decision, Refusal), decision
    governance.evolve(governance.seq + 1, decision)


def _take_in(governance: Governance, decision: GovernanceDecision) -> Refusal | None:
    if isinstance(decision, Refusal):
        governance.evolve(governance.seq + 1, ())
        return decision
    governance.evolve(governance.seq + 1, decision)
    return None


def organisation(settings: Settings | None = None) -> Governance:
    """The organisation, set up and closed."""
    governance = open_founding(settings)
    assert govern(governance, CloseFounding(id="close", principal=FOUNDER_NAME, at=START)) is None
    return governance


def open_founding(settings: Settings | None = None, *, without: type | None = None) -> Governance:
    """The organisation while its founding is open, without the changes of one type."""
    governance = Governance()
    for command in founding_commands(settings):
        if isinstance(command, CloseFounding) or (
            without and isinstance(command, ChangeGovernance) and isinstance(command.change, without)
        ):
            continue
        refusal = govern(governance, command)
        assert refusal is None, refusal
    return governance
