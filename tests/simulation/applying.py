"""Dispatch and appliers: the real evidence, the real steps, a journal that survives, a target that counts."""

from typing import Final

import msgspec

from assent_contracts.acceptance import Accepted
from assent_contracts.changes import Change, decode_change
from assent_contracts.client.open_requests import OpenRequest, OpenRequests, submitted_payload
from assent_contracts.client.steps import granted, is_settled, left_alone, not_to_apply, too_late
from assent_contracts.codec import encode
from assent_contracts.commands import Claim, Command, ReportOutcome
from assent_contracts.core.governance.judge import Record
from assent_contracts.digests import sha256_hex
from assent_contracts.evidence.governance import GovernanceEvidence
from assent_contracts.evidence.past import Past
from assent_contracts.ledger import RecordedCommand, decode_recorded_command
from assent_contracts.policies import BUILT_IN_TYPES
from assent_contracts.resources import resource_type
from tests.simulation.broker import Broker, Entry
from tests.simulation.following import Following, LedgerReading
from tests.simulation.knowing import Outside, missing
from tests.simulation.organisation import LEASE_MS, START, Founded
from tests.simulation.sending import Sender


def _evidence_of(log: Founded) -> GovernanceEvidence:
    evidence = GovernanceEvidence(log.identity, log.signing.verify)
    for accepted, events in zip(log.records, log.history, strict=True):
        evidence.take(accepted.record, events)
    assert evidence.gap is None, evidence.gap
    return evidence


_JUDGED: dict[str, GovernanceEvidence] = {}


def evidence_of(log: Founded) -> GovernanceEvidence:
    """The founding, judged once for all; the caller may move it on."""
    if log.identity not in _JUDGED:
        _JUDGED[log.identity] = _evidence_of(log)
        _JUDGED[log.identity].past.at(log.head.seq)
    judged = vars(_JUDGED[log.identity])
    evidence = GovernanceEvidence(log.identity, log.signing.verify)
    record = Record()
    record.governance, record.at = log.state(), START
    history = list(log.history)
    past = Past(history)
    # States of the past are read-only, so everybody may have the same ones.
    vars(past)["_states"] = vars(judged["past"])["_states"].copy()
    vars(evidence).update(history=history, past=past, _record=record)
    return evidence


class _Ledger:
    """What a process that acts on releases knows of both ledgers."""

    def __init__(self, log: Founded, broker: Broker, outside: Outside) -> None:
        evidence = evidence_of(log)
        self._broker = broker
        self._outside = outside
        self._following = Following(log, broker, evidence)
        self.requests = OpenRequests(0, evidence)
        self._reading = LedgerReading(self._following, broker, self._take)
        self.decided: dict[str, tuple[int, int]] = {}
        """By the SHA-256 of a command's bytes: how often they were decided, and log time the last time."""

    def _take(self, accepted: Accepted) -> None:
        self.requests.take(accepted)
        recorded = decode_recorded_command(accepted.record)
        if isinstance(recorded, RecordedCommand):
            sha256 = sha256_hex(recorded.value)
            self.decided[sha256] = (self.times(sha256) + 1, accepted.record.at)

    def times(self, sha256: str) -> int:
        """How often these bytes were decided."""
        return self.decided.get(sha256, (0, 0))[0]

    def catch_up(self) -> bool:
        """Read to the end; whether both ledgers are whole by the heads that are known."""
        self._reading.read()
        if not self._broker.put_backs:
            return True
        known = self._outside.known(self._following.writers.public_keys())
        broker = self._broker
        return not (
            missing(known.get(("ledger", 0)), broker.ledger)
            or missing(known.get(("governance", 0)), broker.governance)
        )


class Dispatch:
    """Writes released changes to `assent.changes`."""

    def __init__(self, log: Founded, broker: Broker, outside: Outside) -> None:
        self._log = log
        self._broker = broker
        self._outside = outside
        self._ledger: _Ledger | None = None
        self._written: set[str] = set()

    def crash(self) -> None:
        """Its memory is lost."""
        self._ledger = None

    def work(self, now: int) -> None:
        """Read to the end and write what waits for a claim and is not there."""
        if self._ledger is None:
            self._ledger = _Ledger(self._log, self._broker, self._outside)
            self._written = set()
        if not self._ledger.catch_up():
            return
        for request in self._ledger.requests.unclaimed():
            if resource_type(request.resource) in BUILT_IN_TYPES or request.request in self._written:
                continue
            if self._ledger.requests.lacking(request, confirmed=False) is not None:
                continue
            self._written.add(request.request)
            if not any(_is(entry, request) for entry in self._broker.changes.entries):
                value = self._broker.ledger.entries[request.offset].value
                change = request.change(submitted_payload(value or b""))
                self._broker.changes.append([Entry(change.resource.encode(), encode(change), (), now)])


def _is(entry: Entry, request: OpenRequest) -> bool:
    change = read_change(entry.value)
    return change is not None and request.is_release(change)


def read_change(value: bytes | None) -> Change | None:
    """The change that a value holds, if it is one."""
    try:
        return None if value is None else decode_change(value)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None


class Target:
    """What changes are applied to. It takes a request once: the request id is the idempotency key."""

    def __init__(self) -> None:
        self.applied: dict[str, list[tuple[str, str]]] = {}
        """(applier, digest of the payload) of each time that a request was applied by another."""

    def apply(self, applier: str, change: Change) -> None:
        """Apply a change, unless this applier has applied it before."""
        done = self.applied.setdefault(change.request, [])
        if all(who != applier for who, _ in done):
            done.append((applier, sha256_hex(change.payload)))

    def has(self, applier: str, request: str) -> bool:
        """Whether this applier has applied the request."""
        return any(who == applier for who, _ in self.applied.get(request, ()))


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
        self.journal: dict[str, dict[str, bytes]] = {}
        """On disk."""
        self.position = 0
        """On disk."""
        self._ledger: _Ledger | None = None
        self._published: dict[str, tuple[int, int]] = {}
        """When a request's last command was sent, and how often it had been decided; in memory."""

    def crash(self) -> None:
        """Its memory is lost."""
        self._ledger = None

    def folder(self) -> tuple[dict[str, dict[str, bytes]], int]:
        """A copy of its state folder."""
        return {request: dict(parts) for request, parts in self.journal.items()}, self.position

    def put_back(self, folder: tuple[dict[str, dict[str, bytes]], int]) -> None:
        """It is started over an older copy of its folder."""
        journal, self.position = folder
        self.journal = {request: dict(parts) for request, parts in journal.items()}
        self.crash()

    def work(self, now: int, choice: int, *, recalls: bool) -> None:
        """One step of one change in hand, or of taking changes in hand."""
        if self._ledger is None:
            self._ledger = _Ledger(self._log, self._broker, self._outside)
            self._published = {}
        if not self._ledger.catch_up():
            return
        if self.position < self._broker.changes.end:
            self._take_in_hand(self._ledger)
        elif self.journal:
            requests = sorted(self.journal)
            self._step(self._ledger, requests[choice % len(requests)], now, recalls=recalls)

    def _take_in_hand(self, ledger: _Ledger) -> None:
        for entry in self._broker.changes.entries[self.position :]:
            change = read_change(entry.value)
            found = None if change is None else ledger.requests.find(change.request)
            in_hand = change is not None and change.request in self.journal
            if left_alone(change, found, types=None, in_hand=in_hand) is not None:
                continue
            assert change is not None
            assert found is not None
            if ledger.requests.lacking(found) is None:
                self.journal[change.request] = {"change": encode(change)}
        self.position = self._broker.changes.end

    def _step(self, ledger: _Ledger, request: str, now: int, *, recalls: bool) -> None:
        parts = self.journal[request]
        change = decode_change(parts["change"])
        if "report" in parts:
            self._report(ledger, parts, change, now)
        elif "claim" not in parts:
            self._make_claim(parts, change, now)
        elif self._publish(ledger, parts["claim"], request, now):
            claim = msgspec.json.decode(parts["claim"], type=Claim)
            found = ledger.requests.find(request)
            grant = granted(found, claim)
            if isinstance(grant, str):
                self._drop(request)
            elif grant is None or found is None:
                del parts["claim"], self._published[request]
            else:
                # As the log's clock may be now: an answer is older than what was sent for it at most.
                _, answered = ledger.decided[sha256_hex(parts["claim"])]
                elapsed = now - self._published[request][0]
                over = found.unsettled or answered + elapsed >= grant.deadline
                self._apply(parts, change, grant.digest, found, over=over, now=now, recalls=recalls)

    def _make_claim(self, parts: dict[str, bytes], change: Change, now: int) -> None:
        about = self._sender.about(self._me, now)
        parts["claim"] = encode(Claim(**about, resource=change.resource, request=change.request))

    def _apply(
        self,
        parts: dict[str, bytes],
        change: Change,
        digest: str,
        found: OpenRequest,
        *,
        over: bool,
        now: int,
        recalls: bool,
    ) -> None:
        other = not_to_apply(change, digest, found)
        begun = "begun" in parts
        if other is not None:
            self._make_report(parts, change, other.outcome, now)
        elif begun and recalls and self._target.has(self._me, change.request):
            self._make_report(parts, change, "succeeded", now)
        elif over:
            self._make_report(parts, change, too_late(begun=begun).outcome, now)
        elif not begun:
            parts["begun"] = b""
            # Two steps at once for half of the changes, so that both sides of a crash are met.
            if len(change.payload) % 2:
                self._target.apply(self._me, change)
        else:
            self._target.apply(self._me, change)
            self._make_report(parts, change, "succeeded", now)

    def _make_report(self, parts: dict[str, bytes], change: Change, outcome: str, now: int) -> None:
        about = self._sender.about(self._me, now)
        report = ReportOutcome(
            **about,
            resource=change.resource,
            request=change.request,
            outcome=outcome,  # type: ignore[arg-type]
        )
        parts["report"] = encode(report)
        self._published.pop(change.request, None)

    def _report(self, ledger: _Ledger, parts: dict[str, bytes], change: Change, now: int) -> None:
        if not self._publish(ledger, parts["report"], change.request, now):
            return
        report = msgspec.json.decode(parts["report"], type=ReportOutcome)
        if is_settled(ledger.requests.find(change.request), self._me, report.outcome):
            self._drop(change.request)
        else:
            self._make_report(parts, change, report.outcome, now)

    def _publish(self, ledger: _Ledger, value: bytes, request: str, now: int) -> bool:
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
        self.journal.pop(request, None)
        self._published.pop(request, None)
