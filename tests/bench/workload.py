"""The commands that are measured: realistic requests, interleaved, each with a known decision.

Request ids are `<partition>-<seq>`, and every command makes one record. So a command's place in an empty
log is the seq of its decision, and the ids are known before anything is decided. Every request begins and
ends within a wave of 10,000 commands, so several processes can make waves in any order.
"""

import random
from collections.abc import Iterator, Mapping
from typing import Final, Literal, assert_never

from msgspec import Raw, Struct

from assent_contracts import commands as c
from assent_contracts.client.keys import SecretKey, signed_headers
from assent_contracts.codec import encode
from assent_contracts.digests import sha256_hex
from assent_contracts.resources import request_id

WAVE: Final = 10_000
PARTITION: Final = 0
SOURCE: Final = "/bench"
_UPSTREAM, _APPLIER = "device-config", "applier"
_REQUESTERS = (_UPSTREAM, _UPSTREAM, "alice", "carol")
_APPROVER = "bob"

Verb = Literal[
    "submit",
    "submit again",
    "repeat",
    "approve own",
    "approve",
    "revoke",
    "reject",
    "cancel",
    "complete",
    "claim",
    "report",
]
Message = tuple[bytes, bytes, list[tuple[str, bytes]]]
"""(key, value, headers) of a Kafka record."""
Mix = Literal["lives", "open"]

_LIVES: Final[tuple[tuple[int, tuple[Verb, ...]], ...]] = (
    (1_500, ("submit", "approve", "complete", "claim", "report")),
    (150, ("submit", "submit again", "approve own", "approve", "complete", "complete")),
    (200, ("submit", "reject")),
    (200, ("submit", "cancel")),
    (50, ("submit", "approve", "revoke", "cancel")),
    (200, ("submit", "repeat")),
    (200, ("submit",)),
)
"""How many requests of a wave take which course: 60 of 100 run from submission to the applier's report."""
_OPEN: Final[tuple[tuple[int, tuple[Verb, ...]], ...]] = ((WAVE, ("submit",)),)
_REFUSED_IN_A_WAVE = 3 * 150
"""The second submission, the requester's own approval, and the second completion are refused."""


def refusals(mix: Mix, commands: int) -> int:
    """How many of the first `commands` (whole waves) are refused."""
    return _REFUSED_IN_A_WAVE * (commands // WAVE) if mix == "lives" else 0


class _Request(Struct):
    resource: str
    requester: str
    payload: bytes
    id: str = ""
    submission: Message | None = None

    @property
    def submitted(self) -> str:
        """SHA-256 of the submission's bytes, hex."""
        assert self.submission is not None
        return sha256_hex(self.submission[1])


def messages(
    mix: Mix, wave: int, keys: Mapping[str, SecretKey], identity: str, at_ms: int, *, sign: bool
) -> Iterator[Message]:
    """The commands of one wave, in order. Without `sign` each carries 64 bytes that are not a signature."""
    chance = random.Random(wave)
    signers = keys if sign else {name: _Unsigned(key) for name, key in keys.items()}
    lives = _LIVES if mix == "lives" else _OPEN
    each: list[tuple[Verb, ...]] = [life for count, life in lives for _ in range(count)]
    requests = [_request(wave, number, chance) for number in range(len(each))]
    verbs = [iter(life) for life in each]
    order = [number for number, life in enumerate(each) for _ in life]
    chance.shuffle(order)
    for place, number in enumerate(order, start=wave * WAVE):
        verb, request = next(verbs[number]), requests[number]
        if verb == "submit":
            request.id = request_id(PARTITION, place)
        yield _message(verb, request, f"{chance.getrandbits(128):032x}", at_ms, signers, identity)


def _request(wave: int, number: int, chance: random.Random) -> _Request:
    name = f"{wave:05d}-{number:05d}-{chance.getrandbits(32):08x}"
    payload = encode(
        {
            "displayName": f"Rotate the agent's log on group {number}",
            "content": f"Set-Location $env:ProgramData; Remove-Item agent-{name}.log; Restart-Service agent",
            "runAs": "system",
            "enforceSignatureCheck": True,
            "assignments": [{"group": f"devices-{number % 97}", "intent": "required"}],
            "retries": {"count": 3, "delaySeconds": 300},
        }
    )
    return _Request(f"script/{name}.ps1", chance.choice(_REQUESTERS), payload)


def _message(
    verb: Verb,
    request: _Request,
    command_id: str,
    at_ms: int,
    keys: Mapping[str, SecretKey],
    identity: str,
) -> Message:
    if verb == "repeat":
        assert request.submission is not None
        return request.submission
    command = _command(verb, request, command_id, at_ms)
    value = encode(command)
    headers = signed_headers(keys[command.principal], identity, command, value, SOURCE)
    message = command.resource.encode(), value, headers
    if verb == "submit":
        request.submission = message
    return message


def _command(  # noqa: C901  one case for each verb
    verb: Verb, request: _Request, command_id: str, at_ms: int
) -> c.Command:
    about = {"id": command_id, "at": at_ms, "resource": request.resource}
    on = {**about, "request": request.id}
    match verb:
        case "submit" | "submit again":
            return c.SubmitChange(
                **about,
                principal=request.requester,
                operation="edit",
                justification="The agent's log fills the disk of older devices: see last week's incident.",
                payload=Raw(request.payload),
            )
        case "approve":
            note = "Looked at it with the owner."
            return c.Approve(**on, principal=_APPROVER, submission=request.submitted, note=note)
        case "approve own":
            return c.Approve(**on, principal=request.requester, submission=request.submitted)
        case "revoke":
            return c.Revoke(**on, principal=_APPROVER)
        case "reject":
            return c.Reject(
                **on, principal=_APPROVER, submission=request.submitted, note="Not before the release."
            )
        case "cancel":
            return c.Cancel(**on, principal=request.requester)
        case "complete":
            return c.Complete(**on, principal=request.requester, submission=request.submitted)
        case "claim":
            return c.Claim(**on, principal=_APPLIER)
        case "report":
            return c.ReportOutcome(**on, principal=_APPLIER, outcome="succeeded")
        case "repeat":
            raise AssertionError(verb)
        case _:
            assert_never(verb)


class _Unsigned(SecretKey):
    """Signs with zeros, for logs whose signatures are never checked."""

    def __init__(self, key: SecretKey) -> None:
        super().__init__(key.id, key.principal)

    def sign(self, message: bytes) -> bytes:
        return bytes(64)
