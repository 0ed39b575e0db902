"""What the demo plays: an upstream publishes changes, people decide, the applier applies.

Every step states what it expects of the ledger, and the story holds only if every expectation did.
"""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import msgspec

from assent_contracts.client.keys import SecretKey, load_key
from assent_contracts.client.publisher import Decided, Publisher, new_command_id, now_ms
from assent_contracts.codec import encode
from assent_contracts.commands import Approve, Cancel, Complete, Reject, SubmitChange
from assent_contracts.digests import sha256_hex
from assent_contracts.events import (
    ChangeReleased,
    ChangeSubmitted,
    RequestApproved,
    RequestCanceled,
    RequestRejected,
)
from assent_contracts.refusals import RefusalCode

UPSTREAM = "device-config"
Tell = Callable[[str, bool], None]
"""(what happened, whether it held)"""


class StoryChange(msgspec.Struct, frozen=True):
    """One file of the folder that the upstream publishes."""

    resource: str
    payload: bytes
    applied: bytes
    """What the applier's file must hold in the end."""

    @property
    def digest(self) -> str:
        """SHA-256 of the payload's bytes, hex."""
        return sha256_hex(self.payload)


class Opened(msgspec.Struct, frozen=True):
    """A request that the story continues with."""

    id: str
    submission: str
    """SHA-256 (hex) of the submission's bytes: decisions name it (R23)."""
    change: StoryChange


def read_changes(folder: Path) -> dict[str, StoryChange]:
    """The changes in a folder of `<type>/<file>`, by resource.

    A script's payload is its text as a JSON string; an app's is its manifest unchanged.
    """
    changes: dict[str, StoryChange] = {}
    for path in sorted(folder.glob("*/*")):
        kind, content = path.parent.name, path.read_bytes()
        name = path.stem if kind == "app" else path.name
        payload = content.strip() if kind == "app" else encode(content.decode())
        applied = payload if kind == "app" else content
        changes[f"{kind}/{name}"] = StoryChange(f"{kind}/{name}", payload, applied)
    return changes


class DemoStory:
    """Plays the steps as the people and services of the demo's governance file."""

    def __init__(
        self, publisher: Publisher, keys: Path, submission_of: Callable[[str], Awaitable[str]], tell: Tell
    ) -> None:
        """`submission_of`: returns the SHA-256 (hex) of the submission of a request that is already open."""
        self._publisher = publisher
        self._submission_of = submission_of
        self._keys = keys
        self._tell = tell
        self.held = True

    async def play(self, changes: dict[str, StoryChange]) -> list[Opened]:
        """Play the story. Returns the requests that must end up applied.

        Raises NotDecidedError and KafkaError, after which the rest is not played.
        """
        requests = {name: await self._publish(change) for name, change in changes.items()}
        smb1, portal = requests["script/disable-smb1.ps1"], requests["app/company-portal"]
        await self._approve(smb1, "bob", "HashedReference on the pilot ring.", last=True)
        await self._approve(portal, "carol", "Version and hash match the vendor's.", last=False)
        await self._approve(portal, "dave", "Agreed.", last=True)
        released = [each for each in (smb1, portal) if await self._complete(each)]
        await self._reject(requests["script/bitlocker-escrow.ps1"])
        await self._cancel(requests["script/clean-temp-profiles.ps1"])
        await self._second_request(requests["script/harden-sshd.sh"])
        await self._own_request(requests["script/firewall-baseline.sh"])
        return released

    async def _publish(self, change: StoryChange) -> Opened:
        # The firewall script is Alice's: she cannot approve it herself, from any of her accounts.
        principal = "alice" if change.resource == "script/firewall-baseline.sh" else UPSTREAM
        decided = await self._submit(change, principal)
        refusal = decided.refusal
        if refusal is not None and refusal.open_request is not None:
            # Left open by an earlier run on the same data.
            self._say(f"{change.resource}: request {refusal.open_request} is still open", held=True)
            submission = await self._submission_of(refusal.open_request)
            return Opened(refusal.open_request, submission, change)
        for event in decided.events:
            if isinstance(event, ChangeSubmitted):
                held = event.digest == change.digest
                self._say(f"{principal} submits {change.resource}: request {event.request}", held=held)
                return Opened(event.request, event.submission, change)
        self._say(f"{principal} submits {change.resource}{_because(decided)}", held=False)
        return Opened("0-0", "", change)

    async def _submit(self, change: StoryChange, principal: str) -> Decided:
        command = SubmitChange(
            **self._who(principal, change.resource),
            operation="edit",
            justification="Baseline 2026-11: see the change calendar.",
            payload=msgspec.Raw(change.payload),
        )
        return await self._publisher.send(command, self._key(principal))

    async def _approve(self, request: Opened, principal: str, note: str, *, last: bool) -> None:
        command = Approve(**self._on(request, principal), submission=request.submission, note=note)
        decided = await self._publisher.send(command, self._key(principal))
        approved = any(isinstance(event, RequestApproved) for event in decided.events)
        meaning = "quorum met" if approved else "one more is needed"
        outcome = _because(decided) or f": {meaning}"
        held = decided.refusal is None and approved == last
        self._say(f"{principal} approves {request.id}{outcome}", held=held)

    async def _complete(self, request: Opened) -> bool:
        command = Complete(**self._on(request, UPSTREAM), submission=request.submission)
        decided = await self._publisher.send(command, self._key(UPSTREAM))
        outcome = _because(decided) or ": released to the applier"
        return self._say(f"{UPSTREAM} completes {request.id}{outcome}", held=_is(decided, ChangeReleased))

    async def _reject(self, request: Opened) -> None:
        note = "Escrow to the directory is paused until the key rotation is done."
        command = Reject(**self._on(request, "carol"), submission=request.submission, note=note)
        decided = await self._publisher.send(command, self._key("carol"))
        outcome = _because(decided) or f": {note}"
        self._say(f"carol rejects {request.id}{outcome}", held=_is(decided, RequestRejected))

    async def _cancel(self, request: Opened) -> None:
        decided = await self._publisher.send(Cancel(**self._on(request, UPSTREAM)), self._key(UPSTREAM))
        self._say(f"{UPSTREAM} cancels {request.id}{_because(decided)}", held=_is(decided, RequestCanceled))

    async def _second_request(self, request: Opened) -> None:
        decided = await self._submit(request.change, UPSTREAM)
        held = decided.refusal is not None and decided.refusal.open_request == request.id
        self._say(f"{UPSTREAM} submits {request.change.resource} again{_because(decided)}", held=held)

    async def _own_request(self, own: Opened) -> None:
        for account in ("alice", "alice-admin"):
            command = Approve(**self._on(own, account), submission=own.submission)
            decided = await self._publisher.send(command, self._key(account))
            held = decided.refusal is not None and decided.refusal.code is RefusalCode.OWN_REQUEST
            self._say(f"{account} approves her own {own.id}{_because(decided)}", held=held)

    def _key(self, principal: str) -> SecretKey:
        return load_key(self._keys / f"{principal}.key")

    def _who(self, principal: str, resource: str) -> dict[str, Any]:
        return {"id": new_command_id(), "principal": principal, "at": now_ms(), "resource": resource}

    def _on(self, request: Opened, principal: str) -> dict[str, Any]:
        return {**self._who(principal, request.change.resource), "request": request.id}

    def _say(self, what: str, *, held: bool) -> bool:
        self.held = self.held and held
        self._tell(what, held)
        return held


def _because(decided: Decided) -> str:
    refusal = decided.refusal
    return "" if refusal is None else f": refused, {refusal.code}. {refusal.detail}"


def _is(decided: Decided, event: type[msgspec.Struct]) -> bool:
    return any(isinstance(each, event) for each in decided.events)
