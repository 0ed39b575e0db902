"""The organisation of every simulated world: founded once by the real rules, then copied for each run.

alice and alice2 are two accounts of one person. `app` needs one approval, `script` two. carol and dave
administer. writer-1 and writer-2 may seal from the start; spare-1 and spare-2 are keys that may be added.
"""

from typing import Final, TypeVar

import msgspec

from assent_contracts import governance_changes as g
from assent_contracts.acceptance import Accepted, Head, first_head
from assent_contracts.access_policies import ApprovalRule, Policy
from assent_contracts.codec import encode
from assent_contracts.core.command_memory import Remembered
from assent_contracts.core.governance.decide import decide_founding
from assent_contracts.core.governance.handle import GovernanceLedgerState
from assent_contracts.core.governance.replay import replay_governance
from assent_contracts.core.governance.state import Governance
from assent_contracts.core.writer.chain import Chain
from assent_contracts.digests import sha256_hex, to_base64url
from assent_contracts.governance_messages import (
    GOVERNANCE_KEY,
    ChangeGovernance,
    CloseFounding,
    FoundLog,
    GovernanceCommand,
    GovernanceEvent,
)
from assent_contracts.governance_objects import (
    Account,
    Founding,
    Group,
    Role,
    RoleAssignment,
    Settings,
    SigningKey,
)
from assent_contracts.ledger import RecordedCommand, decode_record
from assent_contracts.limits import FOR_EVER_MS
from assent_contracts.refusals import Refusal
from assent_contracts.signing import NO_IDENTITY, command_message
from assent_contracts.writer_registry import WriterRegistry
from tests.simulation.signatures import FAST, Signing

START: Final = 1_767_225_600_000
"""2026-01-01T00:00:00Z in ms."""
PERSON: Final = {
    "alice": "p-alice",
    "alice2": "p-alice",
    "bob": "p-bob",
    "carol": "p-carol",
    "dave": "p-dave",
    "mallory": "p-mallory",
}
SERVICES: Final = ("applier", "applier2")
GATEWAY: Final = "portal"
"""R29: the service that coordinates sets. It signs for nobody."""
REQUESTERS: Final = ("alice", "alice2", "bob")
APPROVERS: Final = ("alice2", "bob", "carol")
ADMINISTRATORS: Final = ("carol", "dave")
QUORUM: Final = {"app": 1, "script": 2}
WRITERS: Final = ("writer-1", "writer-2")
SPARE_WRITERS: Final = ("spare-1", "spare-2")
LEASE_MS: Final = 60_000
_ROLES: Final[dict[Role, tuple[str, ...]]] = {
    "requester": REQUESTERS,
    "approver": APPROVERS,
    "administrator": ADMINISTRATORS,
    "applier": SERVICES,
    "gateway": (GATEWAY,),
}
_FOUNDER: Final = "founder"


T = TypeVar("T")


class Founded(msgspec.Struct, frozen=True):
    """A founded log, where everybody starts."""

    signing: Signing
    identity: str
    head: Head
    """The governance ledger, which is one batch."""
    records: tuple[Accepted, ...]
    history: tuple[tuple[GovernanceEvent, ...], ...]
    governance: Governance
    remembered: tuple[Remembered, ...]
    """The commands of the founding, whose ids are used up."""
    per_minute: int
    """How many commands each principal may send in a minute of log time."""

    def state(self) -> Governance:
        """A copy of governance that its owner may advance."""
        return _copied(self.governance)

    def ledger_state(self) -> GovernanceLedgerState:
        """The same, with the remembered commands, for a process that decides governance."""
        state = GovernanceLedgerState()
        state.governance, state.at = self.state(), START
        for it in self.remembered:
            state.memory.remember(
                it.principal,
                it.command_id,
                dated=it.dated,
                seq=it.seq,
                at=START,
                value_sha256=it.value_sha256,
            )
        return state

    def registry(self) -> WriterRegistry:
        """The keys that may seal, for a caller that keeps them up to date."""
        return _copied(self.writers)

    @property
    def writers(self) -> WriterRegistry:
        """The keys that may seal after the founding. Not to be changed."""
        return _REGISTRIES[self.identity]


def _copied(state: T) -> T:
    """A copy of a state that contains only immutable values, in containers of its own."""
    made = object.__new__(type(state))
    mine = vars(made)
    for name, value in vars(state).items():
        mine[name] = value.copy() if isinstance(value, dict | set) else value
    return made


_REGISTRIES: dict[str, WriterRegistry] = {}


def key_id(principal: str) -> str:
    """The id of a principal's only key."""
    return f"{principal}-key"


def _changes(signing: Signing, per_minute: int) -> list[g.GovernanceChange]:
    accounts = [Account(id=name, kind="human", person=person) for name, person in PERSON.items()]
    accounts += [Account(id=name, kind="service") for name in (*SERVICES, GATEWAY)]
    return [
        *(g.RegisterPrincipal(account=each) for each in accounts),
        *(
            g.RegisterKey(
                key=SigningKey(
                    id=key_id(each.id),
                    principal=each.id,
                    public_key=to_base64url(signing.public(key_id(each.id))),
                    not_before=0,
                    not_after=FOR_EVER_MS,
                )
            )
            for each in accounts
        ),
        # One of them is a service, which must not count.
        g.DefineGroup(group=Group(id="approvers", members=(*APPROVERS, SERVICES[1]))),
        *(
            g.AssignRole(assignment=RoleAssignment(id=f"r-{role}", role=role, principals=who))
            for role, who in _ROLES.items()
        ),
        g.ChangeSettings(settings=Settings(lease_ms=LEASE_MS, commands_per_minute=per_minute)),
        *(
            g.CreatePolicy(
                policy=Policy(
                    id=kind,
                    name=kind,
                    resource_type=kind,
                    approvals=(ApprovalRule(quorum=quorum, groups=("approvers",)),),
                )
            )
            for kind, quorum in QUORUM.items()
        ),
    ]


def _commands(signing: Signing, per_minute: int) -> list[GovernanceCommand]:
    founding = Founding(
        founder=to_base64url(signing.public(_FOUNDER)),
        recovery=to_base64url(signing.public("recovery")),
        writers={name: to_base64url(signing.public(name)) for name in WRITERS},
        partitions=1,
    )
    changes = _changes(signing, per_minute)
    about = {"principal": _FOUNDER, "at": START}
    return [
        FoundLog(id="f", **about, founding=founding),
        *(ChangeGovernance(id=f"f-{n}", **about, change=change) for n, change in enumerate(changes)),
        CloseFounding(id="f-close", **about),
    ]


def found(signing: Signing, per_minute: int = 60_000) -> Founded:
    """The log, with all of its founding decided and chained."""
    state, chain = GovernanceLedgerState(), Chain(first_head("governance", NO_IDENTITY), epoch=1)
    records: list[Accepted] = []
    history: list[tuple[GovernanceEvent, ...]] = []
    registry = WriterRegistry()
    identity = NO_IDENTITY
    for offset, command in enumerate(_commands(signing, per_minute)):
        decision = decide_founding(state.governance, command, START)
        assert not isinstance(decision, Refusal), decision
        value = encode(command)
        signature = to_base64url(signing.sign(_FOUNDER, command_message(identity, value)))
        recorded = RecordedCommand(value=msgspec.Raw(value), key=_FOUNDER, signature=signature)
        link = chain.link(GOVERNANCE_KEY, decision, at=START, command=recorded)
        record = decode_record(link.value)
        replay_governance(state, record)
        registry.apply(offset, decision)
        history.append(decision)
        records.append(Accepted(offset, record, link.value, sha256_hex(link.value)))
        identity = records[0].value_sha256
    head = Head(chain.seq, chain.value_sha256, -1, len(records))
    _REGISTRIES[identity] = registry
    remembered = (state.memory.recall(_FOUNDER, command.id) for command in _commands(signing, per_minute))
    return Founded(
        signing,
        identity,
        head,
        tuple(records),
        tuple(history),
        state.governance,
        tuple(each for each in remembered if each is not None),
        per_minute,
    )


FAST_LOG: Final = found(FAST)
TIGHT_LOG: Final = found(FAST, 3)
"""With a rate that people reach."""
