"""Sets in the log of `changes.json`: released by the rules, and with a stolen key of a gateway."""

from collections.abc import Sequence
from typing import Any, Final

import msgspec
from msgspec import Raw

from assent_contracts import commands as c
from assent_contracts import governance_changes as changes
from assent_contracts.codec import encode
from assent_contracts.governance_objects import Account, RoleAssignment
from assent_contracts.set_members import SetPayload, member_of
from assent_contracts.vectors.vector_log import PARTITION, VectorLog, hash_of, signing_key

COORDINATOR: Final = "coordinator"
_DAY_MS: Final = 24 * 60 * 60 * 1_000


def coordinator() -> list[changes.GovernanceChange]:
    """What the governance of a log with sets has: an account that carries facts between partitions."""
    role = RoleAssignment(id="r-gateway", role="gateway", principals=(COORDINATOR,))
    return [
        changes.RegisterPrincipal(account=Account(id=COORDINATOR, kind="service")),
        changes.RegisterKey(key=signing_key(COORDINATOR)),
        changes.AssignRole(assignment=role),
    ]


class SetStory:
    """One set and its members, step by step."""

    def __init__(self, log: VectorLog, name: str, objects: Sequence[str]) -> None:
        """Submitted, with a member for each object."""
        self._log = log
        self._ends = log.at + _DAY_MS
        listed = [self._member(each) for each in objects]
        payload = encode(SetPayload(members=tuple(map(member_of, listed))))
        self.command = self._member(name, operation="change-set", payload=Raw(payload), members=len(listed))
        self.request = f"{PARTITION}-{log.send(self.command).seq}"
        self.members = [self.submit(each) for each in objects]

    def _member(self, resource: str, **fields: Any) -> c.SubmitChange:
        return msgspec.structs.replace(self._log.submission(resource), not_after=self._ends, **fields)

    def submit(self, resource: str, **fields: Any) -> tuple[str, c.SubmitChange]:
        """A member, listed or not; its request and its command."""
        command = self._member(resource, part_of=self.request, **fields)
        return f"{PARTITION}-{self._log.send(command).seq}", command

    def release(self) -> None:
        """All members are there, bob approves, and alice completes."""
        log = self._log
        log.send(c.ConfirmSet(**log.on(COORDINATOR, self.request, self.command)))
        log.approve(self.request, self.command)
        log.complete(self.request, self.command)

    def release_member(self, member: tuple[str, c.SubmitChange]) -> str:
        """The coordinator releases a member, whatever became of its set. Returns its request."""
        log, (request, command) = self._log, member
        log.send(c.Complete(**log.on(COORDINATOR, request, command), submission=hash_of(command)))
        return request
