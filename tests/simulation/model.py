"""What must hold, in a few lines of its own: nothing here asks the rules, the codec or the acceptance rule.

It is given the accepted records of both ledgers as JSON, who signed what, and what was applied.
"""

import hashlib
from typing import Any, Final

from msgspec import json

from tests.simulation.organisation import PERSON, QUORUM, REQUESTERS

_NEVER: Final = (1 << 53) - 1
_CLOSED: Final = ("rejected", "completed", "failed", "canceled", "expired", "closed")


class BrokenError(Exception):
    """Something that must hold does not."""


def must(holds: object, what: str) -> None:
    """Raises BrokenError unless it holds."""
    if not holds:
        raise BrokenError(what)


class Requests:
    """The request ledger, told record by record."""

    def __init__(self, signed: dict[str, str], disabled: dict[int, tuple[str, bool]]) -> None:
        """`signed`: principal by the SHA-256 of signed bytes. `disabled`: (principal, whether) by seq."""
        self._signed = signed
        self._disabled = disabled
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
        self.claimed: dict[str, str] = {}

    def take(self, value: bytes, prev: str) -> None:
        """The next accepted record; `prev`: the hash of the one before."""
        record = json.decode(value)
        self._seq += 1
        must(record["seq"] == self._seq, f"seq {record['seq']} follows {self._seq - 1}")
        must(self._seq == 0 or record["prev"] == prev, f"seq {self._seq} does not chain")
        must(record["at"] >= self._at, f"seq {self._seq}: log time goes back")
        self._at = record["at"]
        command = None
        if "input" in record:
            must(record["input"] == self._next_input, f"input {record['input']}, not {self._next_input}")
            self._next_input += 1
            command = record["command"].get("value")
        must(("events" in record) != ("refusal" in record), f"seq {self._seq} is not one outcome")
        events = record.get("events", [])
        if command is not None and events and events[0]["type"] != "assent.command-repeated.v1":
            # The bytes as they were sent: the record keeps them untouched.
            start = value.index(b'"command":{"value":') + len(b'"command":{"value":')
            self._decided(command, _whole(value, start), record["governance"])
        for event in events:
            self._event(event, command)

    @property
    def next_input(self) -> int:
        """The first command without an outcome."""
        return self._next_input

    def shown(self) -> dict[str, tuple[set[str], int, int | None]]:
        """Of each open request: its approvers, the seq that last changed it, and its deadline, if any."""
        return {
            request: (set(it["yes"]), it["last"], None if it["deadline"] == _NEVER else it["deadline"])
            for request, it in self._open.items()
        }

    def _decided(self, command: dict[str, Any], raw: bytes, governance: int) -> None:
        signer = self._signed.get(hashlib.sha256(raw).hexdigest())
        must(signer == command["principal"], f"seq {self._seq}: {command['principal']} has not signed it")
        identity = (command["principal"], command["id"])
        must(identity not in self._ids, f"seq {self._seq}: {identity} is decided twice")
        self._ids.add(identity)
        out = [
            off
            for seq, (who, off) in sorted(self._disabled.items())
            if who == command["principal"] and seq <= governance
        ]
        must(not out or not out[-1], f"seq {self._seq}: {command['principal']} is disabled")

    def _event(self, event: dict[str, Any], command: dict[str, Any] | None) -> None:
        kind = event["type"].split(".")[1]
        if kind in ("command-repeated", "writers-changed"):
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
            return
        it = self._open.get(request)
        if it is None:
            raise BrokenError(f"{kind} on {request}, which is not open")
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
            self._enough(request, it)
            must(request not in self.released, f"{request} is released twice")
            must(event["digest"] == self.payloads[request], f"{request}: other bytes are released")
            self.released[request] = event["digest"]
        elif kind == "change-claimed":
            must(request in self.released, f"{request} is claimed before its release")
            must(request not in self.claimed, f"{request} is claimed twice")
            self.claimed[request] = event["applier"]
        elif kind.removeprefix("request-") in _CLOSED:
            must(
                kind != "request-completed" or request in self.released, f"{request} is completed unreleased"
            )
            del self._objects[it["of"]], self._open[request]

    def _enough(self, request: str, it: dict[str, Any]) -> None:
        needed = QUORUM.get(it["of"].partition("/")[0], 1)
        people = set(it["yes"].values()) - {_person(it["by"])}
        must(len(people) >= needed, f"{request} has {len(people)} approvals and needs {needed}")


def _person(principal: str) -> str:
    return PERSON.get(principal, principal)


def _whole(value: bytes, start: int) -> bytes:
    """The JSON object that begins at `start`."""
    depth, text, escaped = 0, False, False
    for at in range(start, len(value)):
        byte = value[at]
        if text:
            if escaped:
                escaped = False
            elif byte == 0x5C:
                escaped = True
            elif byte == 0x22:
                text = False
        elif byte == 0x22:
            text = True
        elif byte == 0x7B:
            depth += 1
        elif byte == 0x7D:
            depth -= 1
            if depth == 0:
                return value[start : at + 1]
    raise BrokenError("a record ends inside its command")


def disabled_by(governance: list[bytes]) -> dict[int, tuple[str, bool]]:
    """Which account each governance record disabled or enabled; the records begin at some seq."""
    found: dict[int, tuple[str, bool]] = {}
    for value in governance:
        record = json.decode(value)
        for event in record.get("events", []):
            if event["type"] in ("assent.principal-disabled.v1", "assent.principal-enabled.v1"):
                found[record["seq"]] = (event["principal"], event["type"] == "assent.principal-disabled.v1")
    return found


def applied_once(applied: dict[str, list[tuple[str, str]]], requests: Requests) -> None:
    """Nothing was applied that was not released, by who has not claimed it, as other bytes, or twice."""
    for request, times in applied.items():
        must(len(times) == 1, f"{request} was applied {len(times)} times")
        must(request in requests.released, f"{request} was applied and never released")
        applier, digest = times[0]
        must(requests.claimed.get(request) == applier, f"{applier} applied {request} without a claim")
        must(digest == requests.released[request], f"{request}: other bytes were applied")


def governance_of(values: list[bytes]) -> int:
    """The governance ledger after the founding: log time, chain, inputs. Returns the next input."""
    at = next_input = 0
    prev = ""
    for value in values:
        record = json.decode(value)
        must(record["at"] >= at, f"governance seq {record['seq']}: log time goes back")
        must(not prev or record["prev"] == prev, f"governance seq {record['seq']} does not chain")
        at, prev = record["at"], hashlib.sha256(value).hexdigest()
        if "input" in record:
            must(record["input"] == next_input, f"governance input {record['input']}, not {next_input}")
            next_input += 1
    return next_input
