"""Send an invalid command and see its refusal in the ledger; then a good one, which must be decided."""

from typing import Any

from assent_contracts.client.keys import SecretKey
from assent_contracts.client.publisher import Decided, new_command_id, now_ms
from assent_contracts.codec import encode
from assent_contracts.digests import to_base64url
from assent_contracts.partitioner import partition_for
from assent_contracts.refusals import RefusalCode
from assent_contracts.signing import command_message
from tests.support.log import PARTITIONS, UPSTREAM, Actor

RESOURCE = "script/bad.ps1"
Headers = list[tuple[str, bytes]]


def fields(**changed: Any) -> dict[str, Any]:
    """The fields of a valid submission except for the changed ones; None omits a field."""
    submission = {
        "type": "assent.submit-change.v1",
        "id": new_command_id(),
        "principal": UPSTREAM,
        "at": now_ms(),
        "resource": RESOURCE,
        "operation": "create",
        "justification": "It is needed.",
        "payload": "echo hello",
    }
    return {name: value for name, value in {**submission, **changed}.items() if value is not None}


def approval(**changed: Any) -> dict[str, Any]:
    """The same for an approval."""
    said = {
        "type": "assent.approve.v1",
        "principal": "bob",
        "request": "0-0",
        "submission": "0" * 64,
        "note": "Fine.",
    }
    return fields(operation=None, justification=None, payload=None, **{**said, **changed})


def sign(actor: Actor, value: bytes, principal: str = UPSTREAM, *, key: SecretKey | None = None) -> Headers:
    """The two headers of a signature that is valid for its key, whatever the bytes are."""
    key = key or actor.log.keys[principal]
    return [
        ("assent-key", key.id.encode()),
        ("assent-signature", to_base64url(key.sign(command_message(actor.log.identity, value))).encode()),
    ]


async def send(actor: Actor, command: dict[str, Any] | bytes, **how: Any) -> Decided:
    """Send a command to the partition of its resource, correctly signed unless `headers` are given."""
    value = command if isinstance(command, bytes) else encode(command)
    key = how.pop("kafka_key", RESOURCE.encode())
    headers = how.pop("headers", None)
    if headers is None:
        principal = command.get("principal", UPSTREAM) if isinstance(command, dict) else UPSTREAM
        principal = principal if principal in actor.log.keys else UPSTREAM
        headers = sign(actor, value, principal, key=how.pop("signer", None))
    return await actor.publisher.send_bytes(value, key, headers, **how)


def code_of(decided: Decided) -> RefusalCode:
    """The code of a refusal."""
    assert decided.refusal is not None, decided.events
    return decided.refusal.code


async def good_goes_on(actor: Actor, partition: int) -> None:
    """The next good command in that partition is decided."""
    name = next(
        name
        for name in (f"script/good-{new_command_id()}" for _ in range(10_000))
        if partition_for(name.encode(), PARTITIONS) == partition
    )
    await actor.opened(name)
