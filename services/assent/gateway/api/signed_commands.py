"""POST /api/v1/commands: relay a command to the log that its sender signed with their own key.

The gateway adds nothing and signs nothing. The ledger gets the sender's bytes under the sender's signature,
and names no gateway. That signature authenticates the sender, so neither a session nor a token is needed. A
command that the ledger could not attribute, because its form, key or signature is wrong, is refused here and
never published.
"""

from collections.abc import Awaitable
from typing import Annotated, Any, Final, TypeVar

import msgspec
from aiokafka.errors import KafkaError
from litestar import Request, Response, post
from litestar.params import HeaderParameter

from assent.gateway.anonymous_limits import proving
from assent.gateway.application.command_sending import (
    ANSWER_WITHIN_S,
    decision_of,
    late,
    not_sent,
    undecided_change,
)
from assent.gateway.gateway_components import Gateway
from assent.gateway.log_connection import SOURCE
from assent.gateway.problems import of_refusal
from assent.gateway.request_bodies import TAKES, read_signed_bytes
from assent_contracts import cloudevents
from assent_contracts.client.governance_publisher import GovernanceDecided
from assent_contracts.client.keys import verify_signature
from assent_contracts.client.publisher import Decided, NotDecidedError, now_ms, repeats
from assent_contracts.codec import decode_command, type_of
from assent_contracts.commands import (
    Command,
    SubmitChange,
    command_type,
)
from assent_contracts.core.received import Envelope, Omitted, open_envelope
from assent_contracts.core.sender import identify, not_current, unattributed
from assent_contracts.evidence.command_signatures import CommandSignatures, signed_command
from assent_contracts.governance_changes import SETTINGS
from assent_contracts.governance_codec import decode_governance_command
from assent_contracts.governance_messages import GovernanceCommand
from assent_contracts.refusals import Refusal, RefusalCode
from assent_contracts.signing import KEY_HEADER, SIGNATURE_HEADER
from assent_contracts.topics import GOVERNANCE, LEDGER

_GOVERNANCE_TYPES: Final = frozenset(
    str(member.__struct_config__.tag) for member in GovernanceCommand.__args__
)
_D = TypeVar("_D", Decided, GovernanceDecided)


class Relayed(msgspec.Struct, frozen=True, kw_only=True):
    """The ledger's acceptance of a command that its sender signed."""

    ledger: str
    """`assent.ledger`, or `assent.governance`."""
    position: str
    """`<partition>-<seq>` of the record on that ledger. Send one of `assent.ledger` as Assent-After."""
    at: int
    """Log time, ms."""
    request: str | None
    """The command's request; null for a change to governance."""
    events: tuple[dict[str, Any], ...]
    """The events in full."""
    repeated: bool
    """Whether the same bytes were sent before. This is their first answer."""


@post("/commands", opt={TAKES: bytes}, operation_id="relayCommand", status_code=200)
async def relay(
    request: Request[Any, Any, Any],
    gateway: Gateway,
    key: Annotated[str, HeaderParameter(name=KEY_HEADER, description="The id of the sender's key.")] = "",
    signature: Annotated[
        str, HeaderParameter(name=SIGNATURE_HEADER, description="Ed25519, base64url without padding.")
    ] = "",
) -> Response[Relayed]:
    """Relay a command that its sender signed: the bytes of the body, as they would be on Kafka.

    The signature is over exactly these bytes, so send what you signed and do not let a library encode it
    again. They are the JSON that the contracts' schema of the command's type describes. Content-Type may be
    application/octet-stream, application/json or text/plain. The headers assent-key and assent-signature
    contain the key's id and the signature, as on Kafka. Answers when it is decided: 201 with the new request,
    200, or the refusal.
    """
    proof: list[tuple[str, bytes]] = [(KEY_HEADER, key.encode()), (SIGNATURE_HEADER, signature.encode())]
    with proving(request, gateway):
        value = await read_signed_bytes(request)
        envelope = _signed(gateway, value, proof)
        command = _decoded(value)
        if isinstance(command, Refusal):
            raise of_refusal(command)
        sender = _sender(gateway, command, envelope)
    gateway.rates.spend(sender)
    headers = [*_described(command), *proof]
    if isinstance(command, GovernanceCommand):
        return _of_governance(
            await _decided(command, gateway.log.changes.send_bytes(value, headers, timeout_s=ANSWER_WITHIN_S))
        )
    sending = gateway.log.publisher.send_bytes(
        value, command.resource.encode(), headers, timeout_s=ANSWER_WITHIN_S
    )
    return await _of_request(gateway, command, await _decided(command, sending))


def _signed(gateway: Gateway, value: bytes, headers: list[tuple[str, bytes]]) -> Envelope:
    """The body, after checking that a registered key signed it. It is not parsed before that.

    Raises Problem.
    """
    envelope = open_envelope(value, None, headers)
    if isinstance(envelope, Omitted):
        raise of_refusal(envelope.refusal)
    governance, now = gateway.log.governance, now_ms()
    key = governance.keys.get(envelope.key_id)
    signatures = CommandSignatures(gateway.log.follower.identity, verify_signature)
    good = signatures.is_good(signed_command(envelope, None if key is None else key.public_key))
    refusal = unattributed(
        governance, envelope.key_id, signed=bool(envelope.signature), good=good, received_at=now
    )
    if refusal is not None:
        raise of_refusal(refusal)
    return envelope


def _decoded(value: bytes) -> Command | GovernanceCommand | Refusal:
    is_governance = type_of(value) in _GOVERNANCE_TYPES
    return decode_governance_command(value) if is_governance else decode_command(value)


def _sender(gateway: Gateway, command: Command | GovernanceCommand, envelope: Envelope) -> str:
    """The principal whose own key signed this command. Raises Problem: the refusal that it would get."""
    now = now_ms()
    found = identify(
        gateway.log.governance,
        command.principal,
        envelope.key_id,
        signed=True,
        good=True,
        received_at=now,
        resource=SETTINGS if isinstance(command, GovernanceCommand) else command.resource,
    )
    if isinstance(found, Refusal):
        raise of_refusal(found)
    if found.through is not None:
        detail = f"This key belongs to the gateway {found.through}. The sender has to sign the command."
        raise of_refusal(Refusal(code=RefusalCode.UNKNOWN_KEY, detail=detail))
    refusal = not_current(found, command.at, now)
    if refusal is not None:
        raise of_refusal(refusal)
    return found.principal.id


def _described(command: Command | GovernanceCommand) -> list[tuple[str, bytes]]:
    return cloudevents.headers(
        event_type=command_type(command), event_id=command.id, source=SOURCE, at_ms=command.at
    )


async def _decided(command: Command | GovernanceCommand, sending: Awaitable[_D]) -> _D:
    """The decision. Raises Problem: `late` (202) without one in time, `log-incomplete`, `log-unreachable`."""
    try:
        return await sending
    except NotDecidedError as error:
        is_change = isinstance(command, GovernanceCommand)
        raise (undecided_change() if is_change else late(command.id, command.resource, command.at)) from error
    except KafkaError as error:
        raise not_sent(error) from error


async def _of_request(gateway: Gateway, command: Command, decided: Decided) -> Response[Relayed]:
    if decided.refusal is not None:
        place = f"{decided.partition}-{decided.seq}"
        raise of_refusal(decided.refusal, ledger=LEDGER, position=place, at=decided.at)
    decision = await decision_of(gateway, command, decided)
    relayed = Relayed(
        ledger=LEDGER,
        position=decision.position,
        at=decision.at,
        request=decision.request,
        events=_in_full(decided.events),
        repeated=repeats(decided) is not None,
    )
    is_new = isinstance(command, SubmitChange) and not relayed.repeated
    place = {} if decision.request is None else {"Location": f"/api/v1/requests/{decision.request}"}
    return Response(relayed, status_code=201 if is_new else 200, headers=place)


def _of_governance(decided: GovernanceDecided) -> Response[Relayed]:
    position = f"0-{decided.seq}"
    if decided.refusal is not None:
        raise of_refusal(decided.refusal, ledger=GOVERNANCE, position=position, at=decided.at)
    return Response(
        Relayed(
            ledger=GOVERNANCE,
            position=position,
            at=decided.at,
            request=None,
            events=_in_full(decided.events),
            repeated=decided.repeated,
        )
    )


def _in_full(events: tuple[Any, ...]) -> tuple[dict[str, Any], ...]:
    return tuple(msgspec.to_builtins(event) for event in events)
