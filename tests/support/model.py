"""The expected result of a log's commands: a small model of the rules, independent of the product's own.

It covers only what the load of the fault tests does: no expiry, no leases, no changes to governance.
"""

import json
import tomllib
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from assent.infra_files import infra_path


class Organisation:
    """The demo's governance file, read as TOML."""

    def __init__(self) -> None:
        file = tomllib.loads(infra_path("demo/governance.toml").read_text())
        self.person = {row["id"]: row.get("person", row["id"]) for row in file["principals"]}
        members = {row["id"]: set(row["members"]) for row in file["groups"]}
        self.quorum = {row["resource_type"]: row["quorum"] for row in file["policies"]}
        self.approvers = {
            row["resource_type"]: set().union(*(members[group] for group in row["approver_groups"]))
            for row in file["policies"]
        }


@dataclass
class Request:
    """One request after its partition's commands so far."""

    id: str
    resource: str
    requester: str
    payload: bytes
    submission: str
    """SHA-256 of the submission's bytes, hex."""
    quorum: int
    status: str = "needs_approval"
    progress: str | None = None
    approvals: dict[str, str] = field(default_factory=dict)
    """Approver by person."""

    def has_quorum(self, organisation: Organisation) -> bool:
        others = self.approvals.keys() - {organisation.person[self.requester]}
        return len(others) >= self.quorum


class Model:
    """One partition."""

    def __init__(self, partition: int, organisation: Organisation) -> None:
        self.requests: dict[str, Request] = {}
        self._partition = partition
        self._organisation = organisation
        self._open: dict[str, Request] = {}
        self._first: dict[tuple[str, str], tuple[int, bytes]] = {}

    def take(self, value: bytes, decision: dict[str, Any]) -> str | None:
        """Process the next command; returns what is wrong with its decision, if anything."""
        command = json.loads(value)
        seq = decision["seq"]
        name = (command["principal"], command["id"])
        if name in self._first:
            first, bytes_then = self._first[name]
            assert bytes_then == value, "the load reuses no id"
            expected = [{"type": "assent.command-repeated.v1", "decided": first}]
            return (
                None if decision.get("events") == expected else "a command that came again was decided again"
            )
        self._first[name] = (seq, value)
        if decision["command"]["value"] != command:
            return "the record holds another command"
        good = self._apply(command, value, seq)
        return None if good == ("events" in decision) else f"{command['type']}: accepted must be {good}"

    def _apply(self, command: dict[str, Any], value: bytes, seq: int) -> bool:
        kind = command["type"].removeprefix("assent.").removesuffix(".v1").replace("-", "_")
        if kind == "submit_change":
            return self._submit(command, value, seq)
        request = self.requests.get(command["request"])
        if request is None or request.resource != command["resource"]:
            return False
        return getattr(self, f"_{kind}")(request, command, self._organisation.person[command["principal"]])

    def _submit(self, command: dict[str, Any], value: bytes, seq: int) -> bool:
        resource = command["resource"]
        if resource in self._open:
            return False
        payload = json.dumps(command["payload"], separators=(",", ":"), ensure_ascii=False).encode()
        assert payload in value, "the load writes its payloads without spaces"
        request = Request(
            f"{self._partition}-{seq}",
            resource,
            command["principal"],
            payload,
            sha256(value).hexdigest(),
            self._organisation.quorum[resource.split("/")[0]],
        )
        self.requests[request.id] = self._open[resource] = request
        return True

    def _approve(self, request: Request, command: dict[str, Any], person: str) -> bool:
        approvers = self._organisation.approvers[request.resource.split("/")[0]]
        if (
            request.status != "needs_approval"
            or command["principal"] not in approvers
            or person == self._organisation.person[request.requester]
            or person in request.approvals
            or command["submission"] != request.submission
        ):
            return False
        request.approvals[person] = command["principal"]
        if len(request.approvals) >= request.quorum:
            request.status = "approved"
        return True

    def _revoke(self, request: Request, command: dict[str, Any], person: str) -> bool:
        if request.progress or person not in request.approvals:
            return False
        del request.approvals[person]
        request.status = "needs_approval"
        return True

    def _reject(self, request: Request, command: dict[str, Any], person: str) -> bool:
        if request.status != "needs_approval":
            return False
        return self._end(request, "rejected")

    def _cancel(self, request: Request, command: dict[str, Any], person: str) -> bool:
        if request.status != "needs_approval" or command["principal"] != request.requester:
            return False
        return self._end(request, "canceled")

    def _complete(self, request: Request, command: dict[str, Any], person: str) -> bool:
        if request.status != "approved" or request.progress or command["principal"] != request.requester:
            return False
        request.progress = "released"
        return True

    def _claim(self, request: Request, command: dict[str, Any], person: str) -> bool:
        if request.progress != "released":
            return False
        request.progress = "applying"
        return True

    def _report_outcome(self, request: Request, command: dict[str, Any], person: str) -> bool:
        if request.progress != "applying":
            return False
        assert command["outcome"] == "succeeded", "nothing in the load can fail"
        request.progress = None
        return self._end(request, "completed")

    def _end(self, request: Request, status: str) -> bool:
        request.status = status
        del self._open[request.resource]
        return True
