"""Dispatch, and the ledger state of processes that act on releases, with the real evidence."""

import msgspec

from assent_contracts.acceptance import Accepted
from assent_contracts.access_policies import BUILT_IN_TYPES
from assent_contracts.client.open_requests import OpenRequest, OpenRequests, submitted_payload
from assent_contracts.codec import encode
from assent_contracts.digests import sha256_hex
from assent_contracts.eras import era_of
from assent_contracts.evidence.governance_evidence import GovernanceEvidence
from assent_contracts.evidence.past_governance import PastGovernance
from assent_contracts.heads import HeadInEra, remembered_after
from assent_contracts.ledger import RecordedCommand, decode_recorded_command
from assent_contracts.released_change import Change, decode_change
from assent_contracts.resources import resource_type
from tests.simulation.broker import Broker, Entry
from tests.simulation.known_heads import Outside, known_of, missing
from tests.simulation.ledger_readers import Following, LedgerReading
from tests.simulation.organisation import Founded


def _evidence_of(log: Founded) -> GovernanceEvidence:
    evidence = GovernanceEvidence(log.identity, log.signing.verify)
    for accepted, events in zip(log.records, log.history, strict=True):
        evidence.take(accepted.record, events)
    assert evidence.gap is None, evidence.gap
    return evidence


_JUDGED: dict[str, GovernanceEvidence] = {}


def evidence_of(log: Founded) -> GovernanceEvidence:
    """The founding, judged once for all; the caller may advance the copy."""
    if log.identity not in _JUDGED:
        _JUDGED[log.identity] = _evidence_of(log)
        _JUDGED[log.identity].past.at(log.head.seq)
    judged = vars(_JUDGED[log.identity])
    evidence = GovernanceEvidence(log.identity, log.signing.verify)
    history = list(log.history)
    past = PastGovernance(history)
    # Past states are read-only, so everybody may share them.
    vars(past)["_states"] = vars(judged["past"])["_states"].copy()
    vars(evidence).update(history=history, past=past, _record=log.ledger_state())
    return evidence


class ActedOn:
    """What a process that acts on releases knows of both ledgers."""

    def __init__(self, log: Founded, broker: Broker, outside: Outside) -> None:
        self.era = ""
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

    def remembered(self, head: HeadInEra | None) -> HeadInEra | None:
        """What a client that followed the ledger remembers of it as a run begins, without later losses."""
        self._following.catch_up()
        losses = self._following.losses
        self.era = era_of(losses)
        return None if head is None else remembered_after({0: head}, losses).get(0)

    def differs(self, head: HeadInEra | None) -> bool:
        """Whether what is remembered of the ledger is not there."""
        return head is not None and missing(known_of("ledger", head.head), self._broker.ledger) is not None

    @property
    def head(self) -> HeadInEra:
        """How far the ledger was read, in the era of the run's beginning."""
        return HeadInEra(self._reading.acceptance.head, self.era)

    def catch_up(self) -> bool:
        """Read to the end; returns whether both ledgers contain all known heads."""
        self._reading.read()
        if not self._broker.restores:
            return True
        known = self._outside.known(self._following.writers.public_keys(), self._following.losses)
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
        self._ledger: ActedOn | None = None
        self._written: set[str] = set()

    def crash(self) -> None:
        """Its memory is lost."""
        self._ledger = None

    def work(self, now: int) -> None:
        """Read to the end and write the releases that wait for a claim and are missing."""
        if self._ledger is None:
            self._ledger = ActedOn(self._log, self._broker, self._outside)
            self._written = set()
        if not self._ledger.catch_up():
            return
        for request in self._ledger.requests.unclaimed():
            if resource_type(request.resource) in BUILT_IN_TYPES or request.request in self._written:
                continue
            if request.state is not None and request.state.submission.members:
                continue  # R29: its members are applied
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
    """The change in a value, if it contains one."""
    try:
        return None if value is None else decode_change(value)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None
