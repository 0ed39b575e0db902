"""What people, and the directory, do in the test of both ledgers."""

from collections.abc import Collection, Sequence
from typing import Any

from assent_contracts import commands as c
from assent_contracts import governance_changes as g
from assent_contracts.access_policies import BUILT_IN_TYPES, Policy
from assent_contracts.core.governance.state import Governance
from assent_contracts.core.requests.states import Approved, Closed, NeedsApproval, Open
from assent_contracts.governance_objects import DirectoryDifference
from assent_contracts.resources import request_id, resource_type
from tests.property.random_changes import ADMINISTRATORS
from tests.support.two_ledgers import TwoLedgers


class People:
    """Everybody who acts on these ledgers."""

    def __init__(self, ledgers: TwoLedgers) -> None:
        self._ledgers = ledgers

    def key(self, who: str, governance: Governance, *, proxied: bool = False) -> str:
        """The key that this account signs with: a gateway's, or a valid one of its own if there is one."""
        if proxied:
            return "gate-key"
        at = self._ledgers.at
        mine = [name for name, key in governance.keys.items() if key.principal == who and key.is_valid(at)]
        return mine[0] if mine else f"{who}-key"

    def open(self) -> dict[int, Open]:
        """The open requests by their seq, as the request decider knows them."""
        requests = self._ledgers.state.requests
        return {seq: each for seq, each in requests.items() if not isinstance(each, Closed)}

    def send(
        self, who: str, kind: type[Any], seq: int, request: Open, *, proxied: bool = False, **said: Any
    ) -> None:
        """A person sends a command on this request, signed by themselves or by another."""
        resource = request.submission.resource
        if kind in (c.Approve, c.Reject, c.Complete):
            said = {"submission": request.submission.sha256, **said}
        command = self._ledgers.command(who, kind, resource, request=request_id(0, seq), **said)
        self._ledgers.send(command, key=self.key(who, self._ledgers.seen, proxied=proxied))

    def approve(self, whose: Sequence[str], kinds: Collection[str], *, proxied: bool = False) -> None:
        """Each of them approves each open request of these types."""
        for seq in self.open():
            for who in whose:
                request = self.open().get(seq)
                if request is not None and resource_type(request.submission.resource) in kinds:
                    self.send(who, c.Approve, seq, request, proxied=proxied)

    def complete(self, kinds: Collection[str]) -> None:
        """The requesters complete the approved requests of these types."""
        for seq, request in self.open().items():
            if isinstance(request, Approved) and resource_type(request.submission.resource) in kinds:
                self.send(request.submission.requester, c.Complete, seq, request)

    def approvers(self) -> set[str]:
        """The approvers of requests that are not released yet."""
        return {
            approval.approver
            for request in self.open().values()
            if isinstance(request, NeedsApproval | Approved)
            for approval in request.approvals
        }

    def sync(self, difference: DirectoryDifference) -> None:
        """The directory's own service synchronises a difference."""
        version = self._ledgers.governance.version(g.DIRECTORY)
        change = g.SyncDirectory(difference=difference, version=version)
        self._ledgers.change("sync", change, key=self.key("sync", self._ledgers.governance))

    def change_policy(self, before: Policy, after: Policy | None) -> None:
        """An edit of a policy (without `after`, its deletion) goes through all steps, if it fits."""
        version = self._ledgers.seen.version(g.policy_object(before.id))
        assert version is not None
        delete = g.DeletePolicy(policy=before.id, version=version)
        change = delete if after is None else g.EditPolicy(policy=after, version=version)
        self._ledgers.propose("root", change)
        self.approve([*ADMINISTRATORS, "carol", "dan"], BUILT_IN_TYPES)
        self.complete(BUILT_IN_TYPES)
        while self._ledgers.released:
            self._ledgers.carry()
        self._ledgers.catch_up()
