"""Appliers: the real evidence, the real steps, and a folder that persists."""

from typing import Final

import msgspec
from msgspec import UnsetType

from assent_contracts.client.applier_steps import granted, is_settled, left_alone, not_to_apply
from assent_contracts.client.handler_run import too_late
from assent_contracts.client.open_requests import Grant, OpenRequest
from assent_contracts.codec import encode
from assent_contracts.commands import Claim, Command, RenewLease, ReportOutcome
from assent_contracts.digests import sha256_hex
from assent_contracts.heads import HeadInEra
from assent_contracts.released_change import Change, decode_change
from tests.simulation.broker import Broker
from tests.simulation.dispatch import ActedOn, read_change
from tests.simulation.known_heads import Outside, sha256_at
from tests.simulation.organisation import LEASE_MS, Founded
from tests.simulation.sender import Sender
from tests.simulation.target import Target


class Folder(msgspec.Struct):
    """An applier's state folder: what it has on disk."""

    journal: dict[str, dict[str, bytes]]
    offset: int = 0
    """Where to continue in `assent.changes`."""
    before: str = ""
    """The hash of the change before that place."""
    head: HeadInEra | None = None
    """How far it has read the ledger."""

    def copied(self) -> "Folder":
        """As it is in a backup."""
        journal = {request: dict(parts) for request, parts in self.journal.items()}
        return Folder(journal, self.offset, self.before, self.head)


class Applier:
    """Claims, applies and reports. Each call of `work` is one step; between two it may crash."""

    def __init__(
        self,
        log: Founded,
        broker: Broker,
        principal: str,
        sender: Sender,
        target: Target,
        outside: Outside,
    ) -> None:
        self._log = log
        self._broker = broker
        self._me: Final = principal
        self._sender = sender
        self._target = target
        self._outside = outside
        self.on_disk = Folder({})
        self._ledger: ActedOn | None = None
        self._published: dict[str, tuple[int, int]] = {}
        """When a request's last command was sent, and how often it had been decided; in memory."""

    def crash(self) -> None:
        """Its memory is lost, and so is how far it came with what it has claimed."""
        self._ledger = None
        for parts in self.on_disk.journal.values():
            if "claim" in parts:
                parts["begun"] = b""

    def restore(self, folder: Folder) -> None:
        """It is started on an older copy of its folder."""
        self.on_disk = folder.copied()
        self.crash()

    def work(self, now: int, choice: int, *, recalls: bool) -> None:
        """One step of one change in progress, or taking up new changes."""
        if self._ledger is None:
            self._begin()
        assert self._ledger is not None
        disk = self.on_disk
        if not self._ledger.catch_up() or self._ledger.differs(disk.head):
            return
        disk.head = self._ledger.head
        if disk.offset < self._broker.changes.end:
            self._take_in_hand(self._ledger)
        elif disk.journal:
            requests = sorted(disk.journal)
            self._step(self._ledger, requests[choice % len(requests)], now, recalls=recalls)

    def _begin(self) -> None:
        self._ledger = ActedOn(self._log, self._broker, self._outside)
        self._published = {}
        disk, changes = self.on_disk, self._broker.changes
        disk.head = self._ledger.remembered(disk.head)
        if disk.offset and sha256_at(changes, disk.offset - 1) != disk.before:
            disk.offset = 0  # that topic was restored or recreated: it is only transport

    def _take_in_hand(self, ledger: ActedOn) -> None:
        changes, disk = self._broker.changes, self.on_disk
        for entry in changes.entries[disk.offset :]:
            change = read_change(entry.value)
            found = None if change is None else ledger.requests.find(change.request)
            in_hand = change is not None and change.request in disk.journal
            if (
                change is not None
                and in_hand
                and found is not None
                and self._is_superseded(change.request, found)
            ):
                # People had it released again. The old claim's report would be refused.
                self._drop(change.request)
                in_hand = False
            if left_alone(change, found, types=None, in_hand=in_hand) is not None:
                continue
            assert change is not None
            assert found is not None
            if ledger.requests.lacking(found) is None:
                disk.journal[change.request] = {"change": encode(change)}
        disk.offset, disk.before = changes.end, sha256_at(changes, changes.end - 1) or ""

    def _is_superseded(self, request: str, found: OpenRequest) -> bool:
        return found.was_release(decode_change(self.on_disk.journal[request]["change"]))

    def _step(self, ledger: ActedOn, request: str, now: int, *, recalls: bool) -> None:
        parts = self.on_disk.journal[request]
        change, found = decode_change(parts["change"]), ledger.requests.find(request)
        if found is not None and found.was_release(change):
            self._drop(request)
            return
        if found is not None and not found.is_release(change) and request not in self._published:
            return  # of another history: it is kept, and nothing of it is sent
        if "report" in parts:
            self._report(ledger, parts, change, now)
        elif "claim" not in parts:
            self._make_claim(parts, change, now)
        elif self._publish(ledger, parts["claim"], request, now):
            claim = msgspec.json.decode(parts["claim"], type=Claim)
            grant = granted(found, claim)
            if isinstance(grant, str):
                self._drop(request)
            elif grant is None or found is None:
                del parts["claim"], self._published[request]
                parts.pop("begun", None)
            else:
                # The latest possible value of the log's clock: an answer may be older than what was sent.
                _, answered = ledger.decided[sha256_hex(parts["claim"])]
                elapsed = now - self._published[request][0]
                over = found.unsettled or answered + elapsed >= grant.deadline
                if not over and elapsed > LEASE_MS // 8 and now % 3 == 0:
                    self._renew(change, grant.claim, now)
                self._apply(parts, change, grant, found, over=over, now=now, recalls=recalls)

    def _make_claim(self, parts: dict[str, bytes], change: Change, now: int) -> None:
        about = self._sender.about(self._me, now)
        parts["claim"] = encode(Claim(**about, resource=change.resource, request=change.request))

    def _renew(self, change: Change, claim: int, now: int) -> None:
        """Extend the lease. The answer is not waited for: the ledger shows it."""
        about = self._sender.about(self._me, now)
        renewal = RenewLease(**about, resource=change.resource, request=change.request, claim=claim)
        self._sender.send_bytes(encode(renewal), change.resource.encode(), self._me, now)

    def _apply(
        self,
        parts: dict[str, bytes],
        change: Change,
        grant: Grant,
        found: OpenRequest,
        *,
        over: bool,
        now: int,
        recalls: bool,
    ) -> None:
        other, claim = not_to_apply(change, grant.digest, found), grant.claim
        begun = "begun" in parts
        if other is not None:
            self._make_report(parts, change, other.outcome, claim, now)
        elif begun and recalls and self._target.has(self._me, change, claim):
            self._make_report(parts, change, "succeeded", claim, now)
        elif over:
            self._make_report(parts, change, too_late(begun=begun).outcome, claim, now)
        elif not begun:
            parts["begun"] = b""
            # Two steps at once for half of the changes, so that both sides of a crash are covered.
            if len(change.payload) % 2:
                self._target.apply(self._me, change, claim)
        else:
            self._target.apply(self._me, change, claim)
            # Now and then it does not know that it has applied it, so that people settle it.
            self._make_report(parts, change, "unknown" if now % 3 == 0 else "succeeded", claim, now)

    def _make_report(
        self, parts: dict[str, bytes], change: Change, outcome: str, claim: int | UnsetType, now: int
    ) -> None:
        about = self._sender.about(self._me, now)
        report = ReportOutcome(
            **about,
            resource=change.resource,
            request=change.request,
            outcome=outcome,  # type: ignore[arg-type]
            claim=claim,
        )
        parts["report"] = encode(report)
        self._published.pop(change.request, None)

    def _report(self, ledger: ActedOn, parts: dict[str, bytes], change: Change, now: int) -> None:
        if not self._publish(ledger, parts["report"], change.request, now):
            return
        report = msgspec.json.decode(parts["report"], type=ReportOutcome)
        if is_settled(ledger.requests.find(change.request), self._me, report):
            self._drop(change.request)
        else:
            self._make_report(parts, change, report.outcome, report.claim, now)

    def _publish(self, ledger: ActedOn, value: bytes, request: str, now: int) -> bool:
        """Whether these bytes were decided since they were sent; they are sent until they are."""
        times = ledger.times(sha256_hex(value))
        sent = self._published.get(request)
        if sent is None or (times <= sent[1] and now - sent[0] > LEASE_MS // 4):
            self._published[request] = (now, times)
            command: Command = msgspec.json.decode(value, type=Claim | ReportOutcome)
            self._sender.send_bytes(value, command.resource.encode(), self._me, now)
            return False
        return times > sent[1]

    def _drop(self, request: str) -> None:
        self.on_disk.journal.pop(request, None)
        self._published.pop(request, None)
