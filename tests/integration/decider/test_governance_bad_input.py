"""Invalid input on `assent.governance.commands` is refused on record, and the next good command decided."""

import asyncio
import hashlib
from collections.abc import Callable
from typing import Any

import pytest

from assent_contracts import limits
from assent_contracts.client.follower import GovernanceFollower
from assent_contracts.client.governance_publisher import GovernanceDecided, HeaderList
from assent_contracts.client.keys import SecretKey
from assent_contracts.client.publisher import new_command_id, now_ms
from assent_contracts.codec import encode
from assent_contracts.digests import to_base64url
from assent_contracts.governance_changes import RegisterPrincipal
from assent_contracts.governance_objects import Account
from assent_contracts.ledger import LedgerRecord, OmittedCommand, decode_recorded_command
from assent_contracts.refusals import RefusalCode
from assent_contracts.signing import command_message
from assent_contracts.topics import GOVERNANCE_COMMANDS
from tests.support.governor import PROPOSER, Governor, assert_verified
from tests.support.log import UPSTREAM, Actor, Log
from tests.support.raw_records import POISON, RawRecord, build_batch, produce_raw, raw_headers

STRANGER = SecretKey("stranger-1", PROPOSER)


def _fields(**changed: Any) -> dict[str, Any]:
    """A valid command except for the changed fields; None omits a field."""
    said = {
        "type": "assent.change-governance.v1",
        "id": new_command_id(),
        "principal": PROPOSER,
        "at": now_ms(),
        "change": _change(),
    }
    return {name: value for name, value in {**said, **changed}.items() if value is not None}


def _change(**changed: Any) -> dict[str, Any]:
    account = {"id": f"service-{new_command_id()}", "kind": "service"}
    return {"type": "assent.register-principal.v1", "account": account, **changed}


def _sign(actor: Actor, key: SecretKey, value: bytes, *, key_id: str | None = None) -> HeaderList:
    signature = key.sign(command_message(actor.log.identity, value))
    return [
        ("assent-key", (key_id or key.id).encode()),
        ("assent-signature", to_base64url(signature).encode()),
    ]


def _sign_as(actor: Actor, principal: str, value: bytes) -> HeaderList:
    return _sign(actor, actor.log.keys[principal], value)


async def _good_goes_on(governor: Governor) -> None:
    account = Account(id=f"service-{new_command_id()}", kind="service")
    decided = await governor.change(RegisterPrincipal(account=account))
    assert decided.refusal is None, decided.refusal


def _code(decided: GovernanceDecided) -> RefusalCode:
    assert decided.refusal is not None, decided.events
    return decided.refusal.code


UNREADABLE: dict[str, tuple[Callable[[], bytes], RefusalCode]] = {
    "no JSON": (lambda: b"nothing", RefusalCode.MALFORMED),
    "JSON cut off": (lambda: encode(_fields())[:-9] + b"}", RefusalCode.MALFORMED),
    "an array": (lambda: b"[]", RefusalCode.MALFORMED),
    "not UTF-8": (
        lambda: encode(_fields(change=_change(account={"id": "x", "kind": "service", "name": "Zo"}))).replace(
            b"Zo", b"Z\xff"
        ),
        RefusalCode.MALFORMED,
    ),
    "a space before": (lambda: b" " + encode(_fields()), RefusalCode.MALFORMED),
    "a key twice": (lambda: encode(_fields())[:-1] + b',"principal":"bob"}', RefusalCode.MALFORMED),
    "an unknown field": (lambda: encode(_fields(force=True)), RefusalCode.MALFORMED),
    "no principal": (lambda: encode(_fields(principal=None)), RefusalCode.MALFORMED),
    "no change": (lambda: encode(_fields(change=None)), RefusalCode.MALFORMED),
    "an unknown change": (
        lambda: encode(_fields(change={"type": "assent.be-root.v1"})),
        RefusalCode.MALFORMED,
    ),
    "a later change": (
        lambda: encode(_fields(change=_change(type="assent.register-principal.v9"))),
        RefusalCode.UNKNOWN_VERSION,
    ),
    "a later command": (
        lambda: encode(_fields(type="assent.change-governance.v9")),
        RefusalCode.UNKNOWN_VERSION,
    ),
    "a request's command": (lambda: encode(_fields(type="assent.approve.v1")), RefusalCode.MALFORMED),
    "at is a text": (lambda: encode(_fields(at="now")), RefusalCode.MALFORMED),
    "at is true": (lambda: encode(_fields(at=True)), RefusalCode.MALFORMED),
    "a quorum of true": (
        lambda: encode(
            _fields(
                change={
                    "type": "assent.create-policy.v1",
                    "policy": {
                        "id": "p",
                        "name": "p",
                        "resource_type": "app",
                        "approvals": [{"quorum": True, "groups": ["security"]}],
                    },
                }
            )
        ),
        RefusalCode.MALFORMED,
    ),
    "too deep": (
        lambda: encode(_fields(change=_change())).replace(
            b'"kind"', b'"deep":' + b"[" * 200 + b"]" * 200 + b',"kind"'
        ),
        RefusalCode.TOO_LARGE,
    ),
    "too large": (
        lambda: encode(_fields(id="x" * limits.GOVERNANCE_COMMAND_MAX_BYTES)),
        RefusalCode.TOO_LARGE,
    ),
}


@pytest.mark.parametrize("what", UNREADABLE)
async def test_R16_unreadable_command_is_recorded_by_its_hash_only(
    actor: Actor, governor: Governor, follower: GovernanceFollower, what: str
) -> None:
    make, code = UNREADABLE[what]
    value = make()
    recorded: list[LedgerRecord] = []
    follower.listeners.append(lambda record, _events: recorded.append(record))
    decided = await governor.publisher.send_bytes(value, _sign_as(actor, PROPOSER, value))
    follower.listeners.pop()
    assert _code(decided) is code
    assert [decode_recorded_command(record) for record in recorded] == [
        OmittedCommand(sha256=hashlib.sha256(value).hexdigest(), size=len(value))
    ]
    await _good_goes_on(governor)


@pytest.mark.parametrize("value", [None, b""])
async def test_empty_record_is_refused(actor: Actor, governor: Governor, value: bytes | None) -> None:
    assert _code(await governor.publisher.send_bytes(value, [])) is RefusalCode.MALFORMED
    await _good_goes_on(governor)


@pytest.mark.parametrize("key", [None, b"", b"script/x"])
async def test_record_with_another_kafka_key_is_refused(
    actor: Actor, governor: Governor, key: bytes | None
) -> None:
    value = encode(_fields())
    decided = await governor.publisher.send_bytes(value, _sign_as(actor, PROPOSER, value), key=key)
    assert _code(decided) is RefusalCode.MALFORMED
    await _good_goes_on(governor)


def _spoiled(actor: Actor, value: bytes) -> HeaderList:
    return _sign_as(actor, PROPOSER, value + b" ")


SIGNED_WRONG: dict[str, tuple[Callable[[Actor, bytes], HeaderList], RefusalCode]] = {
    "nothing": (lambda actor, value: [], RefusalCode.BAD_SIGNATURE),
    "an unknown key": (lambda actor, value: _sign(actor, STRANGER, value), RefusalCode.UNKNOWN_KEY),
    "another's key": (
        lambda actor, value: _sign_as(actor, "bob", value),
        RefusalCode.UNKNOWN_KEY,
    ),
    "a service's key": (
        lambda actor, value: _sign_as(actor, UPSTREAM, value),
        RefusalCode.UNKNOWN_KEY,
    ),
    "the writer's key": (lambda actor, value: _sign(actor, actor.log.writer, value), RefusalCode.UNKNOWN_KEY),
    "the founder's key": (
        lambda actor, value: _sign(actor, STRANGER, value, key_id="founder"),
        RefusalCode.UNKNOWN_KEY,
    ),
    "a stranger under a known name": (
        lambda actor, value: _sign(actor, STRANGER, value, key_id=actor.log.keys[PROPOSER].id),
        RefusalCode.BAD_SIGNATURE,
    ),
    "other bytes": (_spoiled, RefusalCode.BAD_SIGNATURE),
    "no base64": (
        lambda actor, value: [
            ("assent-key", actor.log.keys[PROPOSER].id.encode()),
            ("assent-signature", b"!" * 86),
        ],
        RefusalCode.BAD_SIGNATURE,
    ),
}


@pytest.mark.parametrize("how", SIGNED_WRONG)
async def test_command_not_signed_by_its_principal_is_refused(
    actor: Actor, governor: Governor, how: str
) -> None:
    sign, code = SIGNED_WRONG[how]
    value = encode(_fields())
    assert _code(await governor.publisher.send_bytes(value, sign(actor, value))) is code
    # That does not use up its id: the owner can still use it.
    again = await governor.publisher.send_bytes(value, _sign_as(actor, PROPOSER, value))
    assert again.refusal is None
    assert not again.repeated


@pytest.mark.parametrize(
    "away_ms", [None, -limits.COMMAND_MAX_AGE_MS - 60_000, 3 * limits.COMMAND_MAX_AHEAD_MS]
)
async def test_command_dated_too_early_or_too_late_is_stale(
    actor: Actor, governor: Governor, away_ms: int | None
) -> None:
    value = encode(_fields(at=1 if away_ms is None else now_ms() + away_ms))
    decided = await governor.publisher.send_bytes(value, _sign_as(actor, PROPOSER, value))
    assert _code(decided) is RefusalCode.STALE
    await _good_goes_on(governor)


async def test_id_belongs_to_the_first_bytes_only(actor: Actor, governor: Governor) -> None:
    first = encode(_fields(id="once"))
    other = encode(_fields(id="once"))
    taken = await governor.publisher.send_bytes(first, _sign_as(actor, PROPOSER, first))
    decided = await governor.publisher.send_bytes(other, _sign_as(actor, PROPOSER, other))
    assert _code(decided) is RefusalCode.ID_REUSED
    assert decided.refusal is not None
    assert decided.refusal.decided == taken.seq


async def test_header_whose_name_is_not_utf8_does_not_affect_a_command(
    actor: Actor, governor: Governor, follower: GovernanceFollower
) -> None:
    value = encode(_fields())
    known = len(follower.history)
    headers = [*raw_headers(_sign_as(actor, PROPOSER, value)), *POISON]
    batch = build_batch([RawRecord(value, b"governance", headers)])
    await produce_raw(actor.log.connection, GOVERNANCE_COMMANDS, 0, batch)
    await follower.beyond(known - 1)
    assert follower.refused.of(known) is None
    await _good_goes_on(governor)


@pytest.mark.parametrize(
    "value",
    [
        b'{"type":"$.change.type"}',
        b'{"type":"assent.change-governance.v1"}',
        b'{"type":"assent.change-governance.v1","change":{"type":"$.change.type"}}',
        b'{"type":"assent.change-governance.v1","change":7,"$.change.type":1}',
    ],
)
async def test_words_of_our_own_errors_in_a_command_do_not_stop_the_decider(
    actor: Actor, governor: Governor, value: bytes
) -> None:
    unsigned = await governor.publisher.send_bytes(value, [])
    assert _code(unsigned) is RefusalCode.BAD_SIGNATURE
    decided = await governor.publisher.send_bytes(value, _sign_as(actor, PROPOSER, value))
    assert _code(decided) is RefusalCode.MALFORMED
    await _good_goes_on(governor)


async def test_answer_belongs_to_the_record_that_was_sent_not_to_others_with_its_bytes(
    actor: Actor, governor: Governor
) -> None:
    """Only the sender of the same bytes without a signature is refused."""
    value = encode(_fields())
    headers = _sign_as(actor, PROPOSER, value)
    forged = [(name, b"A" * 86 if name == "assent-signature" else content) for name, content in headers]
    first, mine, last = await asyncio.gather(
        governor.publisher.send_bytes(value, forged),
        governor.publisher.send_bytes(value, headers),
        governor.publisher.send_bytes(value, forged),
    )
    assert (_code(first), _code(last)) == (RefusalCode.BAD_SIGNATURE, RefusalCode.BAD_SIGNATURE)
    assert mine.refusal is None


async def test_founding_commands_are_refused_once_the_log_is_founded(
    actor: Actor, governor: Governor
) -> None:
    public = STRANGER.public
    founding = {"founder": public, "recovery": public, "writers": {"w": public}, "partitions": 1}
    for command in (
        _fields(type="assent.found-log.v1", change=None, founding=founding),
        _fields(type="assent.close-founding.v1", change=None),
    ):
        value = encode(command)
        decided = await governor.publisher.send_bytes(value, _sign_as(actor, PROPOSER, value))
        assert _code(decided) is RefusalCode.NOT_PERMITTED


async def test_R16_all_of_it_is_decided_again_the_same_way(log: Log, follower: GovernanceFollower) -> None:
    """Runs last, over everything that the tests before it left on both ledgers."""
    await assert_verified(log, follower)
