"""The invariants, in a few lines of their own: nothing here uses the rules, the codec or the acceptance rule.

Its input: the accepted records of both ledgers as JSON, who signed what, and what was applied.
"""

from typing import Any, Final, NamedTuple

from msgspec import json

from tests.simulation.boundaries import BrokenError, Times, must, sha256, whole
from tests.simulation.organisation import PERSON, QUORUM, REQUESTERS, START
from tests.simulation.set_model import Sets
from tests.simulation.target import Applied

_NEVER: Final = (1 << 53) - 1
_AGE_MS: Final = 86_400_000
_AHEAD_MS: Final = 300_000
_CLOSED: Final = ("rejected", "completed", "failed", "canceled", "expired", "closed")


class Governance(NamedTuple):
    """What has changed in governance since the founding."""

    disabled: dict[int, tuple[str, bool]]
    """The account that each seq disabled or enabled."""
    corrected: list[tuple[int, int]]
    """(seq, to): where log time was set back."""


class Requests:
    """The request ledger, record by record."""

    def __init__(
        self,
        signed: dict[str, str],
        told: Governance,
        times: Times,
        per_minute: int,
        *,
        lost: bool,
    ) -> None:
        """`signed`: principal by the SHA-256 of signed bytes. `lost`: whether a loss was accepted."""
        self._signed = signed
        self._disabled, self._corrected = told.disabled, told.corrected
        self._times = times
        self._last_decided = -1
        self._governance = -1
        self._per_minute = per_minute
        self._minute = -1
        self._kept: dict[tuple[str, bool], int] = {}
        self._at = 0
        self._next_input = 0
        self._seq = -1
        self._prev = ""
        self._ids: set[tuple[str, str]] = set()
        self._open: dict[str, dict[str, Any]] = {}
        self._objects: dict[str, str] = {}
        self.released: dict[str, str] = {}
        """The digest of each released request."""
        self.payloads: dict[str, str] = {}
        self.submissions: dict[str, str] = {}
        self.claims: dict[str, dict[int, str]] = {}
        """The appliers that have claimed a request, by the numbers of their claims."""
        self.sets = Sets(lost=lost)
        self._progress: dict[str, str] = {}
        """Of each released request that is open: released, claimed or unknown."""

    def take_all(self, values: list[bytes], prev: str) -> None:
        """All accepted records, the first of them after `prev`."""
        for value in values:
            self.take(value, prev)
            prev = sha256(value)

    def take(self, value: bytes, prev: str) -> None:
        """The next accepted record; `prev`: the hash of the one before."""
        record = json.decode(value)
        self._seq += 1
        must(record["seq"] == self._seq, f"seq {record['seq']} follows {self._seq - 1}")
        must(self._seq == 0 or record["prev"] == prev, f"seq {self._seq} does not chain")
        for seq, to in self._corrected:
            if self._governance < seq <= record["governance"]:
                self._at = min(self._at, to)
        self._governance = record["governance"]
        _timed(record, self._at, self._times.of(self._seq))
        self._at = record["at"]
        command = None
        if "input" in record:
            self._next_input = self._times.input_behind(self._last_decided, self._seq, self._next_input)
            self._last_decided = self._seq
            must(record["input"] == self._next_input, f"input {record['input']}, not {self._next_input}")
            self._next_input += 1
            command = record["command"].get("value")
            self._received = record["received"]
            if command is not None:
                self._count(command["principal"], is_copy=_is_copy(record))
        must(("events" in record) != ("refusal" in record), f"seq {self._seq} is not one outcome")
        events = record.get("events", [])
        if command is not None and events and events[0]["type"] != "assent.command-repeated.v1":
            # The bytes as they were sent: the record keeps them unchanged.
            start = value.index(b'"command":{"value":') + len(b'"command":{"value":')
            self._decided(command, whole(value, start), record["governance"])
        for event in events:
            self._event(event, command)

    @property
    def next_input(self) -> int:
        """The first command without an outcome."""
        return self._times.input_behind(self._last_decided, self._seq + 1, self._next_input)

    def shown(self) -> dict[str, tuple[set[str], int, int | None]]:
        """For each open request: its approvers, the seq that last changed it, and its deadline, if any."""
        return {
            request: (set(it["yes"]), it["last"], None if it["deadline"] == _NEVER else it["deadline"])
            for request, it in self._open.items()
        }

    def _count(self, principal: str, *, is_copy: bool) -> None:
        """Of what the ledger keeps whole, nobody sends more than the limit per minute; nor of copies."""
        if self._at // 60_000 != self._minute:
            self._minute, self._kept = self._at // 60_000, {}
        kept = self._kept[principal, is_copy] = self._kept.get((principal, is_copy), 0) + 1
        must(kept <= self._per_minute, f"seq {self._seq}: {principal} sends too much")

    def _decided(self, command: dict[str, Any], raw: bytes, governance: int) -> None:
        signer = self._signed.get(sha256(raw))
        must(signer == command["principal"], f"seq {self._seq}: {command['principal']} has not signed it")
        identity = (command["principal"], command["id"])
        age = self._received - command["at"]
        must(-_AHEAD_MS <= age <= _AGE_MS, f"seq {self._seq}: {identity} came {age} ms after its date")
        must(identity not in self._ids, f"seq {self._seq}: {identity} is decided twice")
        self._ids.add(identity)
        out = [
            off
            for seq, (who, off) in sorted(self._disabled.items())
            if who == command["principal"] and seq <= governance
        ]
        must(not out or not out[-1], f"seq {self._seq}: {command['principal']} is disabled")

    def _event(  # noqa: C901  a branch each
        self, event: dict[str, Any], command: dict[str, Any] | None
    ) -> None:
        kind = event["type"].split(".")[1]
        if kind in ("command-repeated", "writers-changed", "log-time-corrected"):
            return
        request = event["request"]
        if kind == "change-submitted":
            must(event["resource"] not in self._objects, f"{event['resource']} has two open requests")
            must(request == f"0-{self._seq}", f"{request} is not called by its place")
            of = event["resource"].partition("/")[0]
            must(of not in QUORUM or event["requester"] in REQUESTERS, f"{request}: who submitted it may not")
            self._objects[event["resource"]] = request
            self._open[request] = it = {"by": event["requester"], "of": event["resource"], "yes": {}}
            it["last"], it["deadline"] = self._seq, event["deadline"]
            self.payloads[request] = event["digest"]
            self.submissions[request] = event["submission"]
            self.sets.submitted(event, command or {})
            return
        it = self._open.get(request)
        if it is None:
            raise BrokenError(f"{kind} on {request}, which is not open")
        self.sets.moved(kind, request, None if command is None else command["principal"])
        if kind != "lease-renewed":
            it["last"] = self._seq
        it["deadline"] = None if kind == "outcome-unknown" else event.get("deadline", it["deadline"])
        must(
            request not in self.released or kind not in ("approval-given", "approval-revoked"), f"{kind} late"
        )
        if kind == "approval-given":
            must(command is not None and command["request"] == request, f"{request}: nobody approved it")
            must(command is None or command["principal"] == event["approver"], f"{request}: another approved")
            must(_person(event["approver"]) != _person(it["by"]), f"{request}: an own request is approved")
            it["yes"][event["approver"]] = _person(event["approver"])
        elif kind in ("approval-revoked", "approval-lapsed"):
            it["yes"].pop(event["approver"], None)
        elif kind == "request-approved":
            self._enough(request, it)
        elif kind == "change-released":
            if not self.sets.is_member(request):
                self._enough(request, it)
            must(
                self._progress.get(request) in (None, "unknown"),
                f"{request} is released twice for one outcome",
            )
            must(event["digest"] == self.payloads[request], f"{request}: other bytes are released")
            self.released[request] = event["digest"]
            self._progress[request] = "released"
        elif kind in ("change-claimed", "lease-renewed", "outcome-unknown"):
            self._applying(kind, request, event, command)
        elif kind.removeprefix("request-") in _CLOSED:
            must(
                kind != "request-completed" or request in self.released, f"{request} is completed unreleased"
            )
            self._ended(kind, request, command)
            self._progress.pop(request, None)
            del self._objects[it["of"]], self._open[request]

    def _applying(
        self, kind: str, request: str, event: dict[str, Any], command: dict[str, Any] | None
    ) -> None:
        if kind == "change-claimed":
            must(self._progress.get(request) == "released", f"{request} is claimed twice, or unreleased")
            self._progress[request] = "claimed"
            self.claims.setdefault(request, {})[self._seq] = event["applier"]
        elif kind == "lease-renewed":
            must(self._progress.get(request) == "claimed", f"{request}: a lease is renewed that has ended")
            must(command is None or command["claim"] == max(self.claims[request]), f"{request}: an old claim")
            must(event["applier"] == self.claims[request][max(self.claims[request])], f"{request}: another's")
        else:
            must(self._progress.get(request) == "claimed", f"{request} is unknown without a claim")
            self._progress[request] = "unknown"

    def _ended(self, kind: str, request: str, command: dict[str, Any] | None) -> None:
        if command is None or self.sets.is_set(request):
            return
        if kind in ("request-completed", "request-failed"):
            named = command.get("claim")
            must(named in (None, max(self.claims[request])), f"{request}: an old claim has ended it")

    def _enough(self, request: str, it: dict[str, Any]) -> None:
        needed = QUORUM.get(it["of"].partition("/")[0], 1)
        people = set(it["yes"].values()) - {_person(it["by"])}
        must(len(people) >= needed, f"{request} has {len(people)} approvals and needs {needed}")


def _is_copy(record: dict[str, Any]) -> bool:
    """Whether anybody who had read its command could have sent it."""
    if "refusal" in record:
        return record["refusal"]["code"] in ("stale", "misrouted", "id-reused")
    return any(event["type"] == "assent.command-repeated.v1" for event in record["events"])


def _person(principal: str) -> str:
    return PERSON.get(principal, principal)


def governance_told(governance: list[bytes]) -> Governance:
    """What these governance records change; they begin at some seq."""
    found: dict[int, tuple[str, bool]] = {}
    corrected: list[tuple[int, int]] = []
    for value in governance:
        record = json.decode(value)
        for event in record.get("events", []):
            if event["type"] in ("assent.principal-disabled.v1", "assent.principal-enabled.v1"):
                found[record["seq"]] = (event["principal"], event["type"] == "assent.principal-disabled.v1")
            elif event["type"] == "assent.time-corrected.v1":
                corrected.append((record["seq"], event["to"]))
    return Governance(found, corrected)


def _timed(record: dict[str, Any], before: int, appended: list[int]) -> None:
    """Log time never goes back, and is that of the broker if the record is about a command."""
    must(record["at"] >= before, f"seq {record['seq']}: log time goes back")
    must(("input" in record) == ("received" in record), f"seq {record['seq']}: came by a topic or not")
    if "input" in record:
        received = record["received"]
        must(received == appended[record["input"]], f"seq {record['seq']} came at another time")
        must(record["at"] == max(before, received), f"seq {record['seq']} is decided at another time")


def applied_once(applied: list[Applied], requests: Requests, history: int) -> None:
    """Nothing was applied unreleased, by an applier without the claim, with other bytes, or twice in a claim.

    `requests`: of this history; only what was applied in it must have been released.
    """
    for each in applied:
        request, claimed = each.request, requests.claims.get(each.request, {}).get(each.claim)
        key = (each.request, each.submission, each.claim, each.history)
        times = sum((other.request, other.submission, other.claim, other.history) == key for other in applied)
        must(times == 1, f"{request} was applied {times} times under claim {each.claim}")
        lost = any(other[:2] == each[:2] and other.history < each.history for other in applied)
        must(not lost, f"{request} was applied again after a loss")
        if each.history != history:
            continue
        must(request in requests.released, f"{request} was applied and never released")
        requests.sets.applied(request)
        must(each.submission == requests.submissions[request], f"{request} is another one's id")
        must(claimed == each.applier, f"{each.applier} applied {request} without a claim")
        must(each.digest == requests.released[request], f"{request}: other bytes were applied")


def governance_of(values: list[bytes], times: Times) -> int:
    """The governance ledger after the founding: log time, chain, inputs. Returns the next input."""
    at, next_input, decided, seq = START, 0, -1, -1
    prev = ""
    for value in values:
        record = json.decode(value)
        seq = record["seq"]
        _timed(record, at, times.of(seq))
        must(not prev or record["prev"] == prev, f"governance seq {seq} does not chain")
        at, prev = record["at"], sha256(value)
        for event in record.get("events", []):
            if event["type"] == "assent.time-corrected.v1":
                at = min(at, event["to"])
        if "input" in record:
            next_input, decided = times.input_behind(decided, seq, next_input), seq
            must(record["input"] == next_input, f"governance input {record['input']}, not {next_input}")
            next_input += 1
    return times.input_behind(decided, seq + 1, next_input)
