"""A small organisation, founded by the real rules: who the tests' stories are about.

alice and alice2 are two accounts of one person, bob and bob2 of another. dave administers; mallory has no
role at all. `app` needs one approval, `script` two, `free` has no policy.
"""

from typing import Final

from assent.core.governance.decide import decide
from assent.core.governance.state import Governance
from assent_contracts import governance as g
from assent_contracts.digests import sha256_hex, to_base64url
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

_ABOUT: Final = {"id": "g", "principal": "founder", "at": START}
_GROUPS: Final = {
    "requesters": ("alice", "alice2", "upstream"),
    "approvers": ("alice", "alice2", "bob", "bob2", "carol"),
    "admins": ("carol", "dave"),
    "appliers": ("applier", "applier2"),
}
_ROLES: Final[dict[g.Role, str]] = {
    "requester": "requesters",
    "approver": "approvers",
    "administrator": "admins",
    "applier": "appliers",
}
FOUNDER: Final = to_base64url(bytes(32))
WRITER: Final = to_base64url(bytes([1] * 32))


def public_key_of(name: str) -> str:
    """A public key made up for a principal: nothing is signed with it."""
    return to_base64url(bytes.fromhex(sha256_hex(name.encode())))


def founding_commands(settings: g.Settings | None = None) -> list[g.GovernanceCommand]:
    """The commands that set the organisation up, in their order."""
    founding = g.Founding(founder=FOUNDER, writers={"writer-1": WRITER}, partitions=PARTITIONS)
    accounts = [g.Account(id=name, kind="human", person=person) for name, person in HUMANS.items()]
    accounts += [g.Account(id=name, kind="service") for name in SERVICES]
    policies = [("apps", "app", 1), ("scripts", "script", 2)]
    return [
        g.FoundLog(**_ABOUT, founding=founding),
        *(g.RegisterPrincipal(**_ABOUT, account=account) for account in accounts),
        *(g.RegisterKey(**_ABOUT, key=key_of(account.id)) for account in accounts),
        *(g.DefineGroup(**_ABOUT, group=g.Group(id=i, members=members)) for i, members in _GROUPS.items()),
        *(
            g.AssignRole(**_ABOUT, assignment=g.RoleAssignment(id=f"r-{role}", role=role, groups=(group,)))
            for role, group in _ROLES.items()
        ),
        g.ChangeSettings(**_ABOUT, settings=settings or g.Settings()),
        *(
            g.CreatePolicy(
                **_ABOUT,
                policy=g.Policy(id=i, name=i, resource_type=kind, groups=("approvers",), quorum=quorum),
            )
            for i, kind, quorum in policies
        ),
        g.CloseFounding(**_ABOUT),
    ]


def key_of(principal: str) -> g.SigningKey:
    """The principal's key, `<principal>-key`, valid for 400 days from the start."""
    return g.SigningKey(
        id=f"{principal}-key",
        principal=principal,
        public_key=public_key_of(principal),
        not_before=START,
        not_after=START + 400 * DAY_MS,
    )


def govern(governance: Governance, command: g.GovernanceCommand) -> Refusal | None:
    """Decide one governance command and take in what it made true; returns the refusal, if it is one."""
    decision = decide(governance, command)
    governance.evolve(governance.seq + 1, () if isinstance(decision, Refusal) else decision)
    return decision if isinstance(decision, Refusal) else None


def organisation(settings: g.Settings | None = None) -> Governance:
    """The organisation, set up and closed."""
    governance = open_founding(settings)
    assert govern(governance, g.CloseFounding(**_ABOUT)) is None
    return governance


def open_founding(settings: g.Settings | None = None, *, without: type | None = None) -> Governance:
    """The organisation while its founding is open, without the commands of one type."""
    governance = Governance()
    for command in founding_commands(settings):
        if not isinstance(command, g.CloseFounding) and not (without and isinstance(command, without)):
            refusal = govern(governance, command)
            assert refusal is None, refusal
    return governance
