"""Invalid commands: each is refused by name, at its offset, and the next good one is decided."""

from typing import Any

import pytest

from assent.verify.running_log import verify_requests
from assent_contracts.client.follower import GovernanceFollower
from assent_contracts.client.keys import SecretKey, verify_signature
from assent_contracts.client.publisher import new_command_id, now_ms, repeats
from assent_contracts.codec import encode
from assent_contracts.digests import sha256_hex
from assent_contracts.ledger import OmittedCommand, decode_recorded_command
from assent_contracts.limits import COMMAND_MAX_BYTES
from assent_contracts.partitioner import partition_for
from assent_contracts.refusals import RefusalCode
from tests.support.invalid_commands import RESOURCE, approval, code_of, fields, good_goes_on, send, sign
from tests.support.log import PARTITIONS, UPSTREAM, Actor, Log, read_ledger
from tests.support.recount import recount

HOUR_MS = 60 * 60 * 1_000
HERE = partition_for(RESOURCE.encode(), PARTITIONS)


@pytest.mark.parametrize(
    "value",
    [
        b"no JSON at all",
        b"{",
        b"[]",
        b'"text"',
        b"null",
        b"{}",
        b'{"type":1}',
        b" " + encode(fields()),
        encode(fields()) + b"\n",
        encode(fields()) + encode(fields()),
        b'{"id":"1","id":"2",' + encode(fields(id=None))[1:],
        encode(fields(payload="\N{SNOWMAN}")).replace(b"\xe2\x98\x83", b"\xff"),
        encode(fields()).decode().encode("utf-16"),
        encode(fields(type="something.else.v1")),
        encode(fields(type="assent.no-such-command.v1")),
        encode(fields(type=None)),
        encode(fields(surplus=1)),
    ],
    ids=[
        "not-json",
        "half-an-object",
        "an-array",
        "a-text",
        "null",
        "nothing-in-it",
        "type-is-a-number",
        "space-before",
        "newline-after",
        "two-objects",
        "a-key-twice",
        "payload-not-utf-8",
        "utf-16",
        "foreign-type",
        "unknown-type",
        "no-type",
        "unknown-field",
    ],
)
async def test_bytes_that_are_not_a_command_are_malformed(actor: Actor, value: bytes) -> None:
    assert code_of(await send(actor, value)) is RefusalCode.MALFORMED
    await good_goes_on(actor, HERE)


async def test_unknown_version_is_refused_as_unknown_version(actor: Actor) -> None:
    assert code_of(await send(actor, fields(type="assent.submit-change.v2"))) is RefusalCode.UNKNOWN_VERSION


@pytest.mark.parametrize("name", ["id", "principal", "at", "resource", "operation", "payload"])
async def test_submission_with_a_missing_field_is_malformed(actor: Actor, name: str) -> None:
    assert code_of(await send(actor, fields(**{name: None}))) is RefusalCode.MALFORMED
    await good_goes_on(actor, HERE)


@pytest.mark.parametrize("name", ["request", "submission"])
async def test_approval_with_a_missing_field_is_malformed(actor: Actor, name: str) -> None:
    assert code_of(await send(actor, approval(**{name: None}))) is RefusalCode.MALFORMED


async def test_R6_submission_without_justification_is_refused(actor: Actor) -> None:
    for justification in (None, "", " \n"):
        decided = await send(actor, fields(justification=justification))
        assert code_of(decided) is RefusalCode.JUSTIFICATION_REQUIRED


@pytest.mark.parametrize(
    ("command", "code"),
    [
        (fields(id="i" * 129), RefusalCode.TOO_LARGE),
        (fields(principal="p" * 129), RefusalCode.TOO_LARGE),
        (fields(at=1 << 53), RefusalCode.MALFORMED),
        (fields(at=-1), RefusalCode.MALFORMED),
        (fields(resource="script/" + "r" * 257), RefusalCode.MALFORMED),
        (fields(resource="s" * 65 + "/r"), RefusalCode.MALFORMED),
        (fields(resource="script/e\N{COMBINING ACUTE ACCENT}"), RefusalCode.MALFORMED),
        (fields(resource="script/a\nb"), RefusalCode.MALFORMED),
        (fields(operation="o" * 65), RefusalCode.MALFORMED),
        (fields(justification="j" * 1_025), RefusalCode.TOO_LARGE),
        (fields(payload="p" * (257 * 1_024)), RefusalCode.TOO_LARGE),
        (approval(note="n" * 1_025), RefusalCode.TOO_LARGE),
        (approval(request="0-" + "9" * 19), RefusalCode.MALFORMED),
        (approval(submission="0" * 65), RefusalCode.MALFORMED),
        (approval(type="assent.reject.v1", note="n" * 1_025), RefusalCode.TOO_LARGE),
        (approval(type="assent.revoke.v1", submission=None, note="n" * 1_025), RefusalCode.TOO_LARGE),
        (
            approval(
                type="assent.report-outcome.v1",
                submission=None,
                note=None,
                outcome="failed",
                message="m" * 4_097,
            ),
            RefusalCode.TOO_LARGE,
        ),
    ],
    ids=lambda value: "" if isinstance(value, dict) else value.value,
)
async def test_field_over_its_limit_is_refused(
    actor: Actor, command: dict[str, Any], code: RefusalCode
) -> None:
    decided = await send(actor, command, kafka_key=command["resource"].encode(), partition=HERE)
    assert code_of(decided) is code
    await good_goes_on(actor, HERE)


async def test_payload_of_exactly_256_KiB_is_accepted(actor: Actor) -> None:
    payload = "p" * (256 * 1_024 - 2)
    decided = await send(
        actor, fields(payload=payload, resource="script/largest"), kafka_key=b"script/largest"
    )
    assert decided.refusal is None


@pytest.mark.parametrize(
    ("depth", "code"),
    # No JSON reader gets to the bottom of the deeper ones.
    [(65, RefusalCode.TOO_LARGE), (1_000, RefusalCode.MALFORMED), (100_000, RefusalCode.MALFORMED)],
)
@pytest.mark.parametrize("bracket", [b"[", b'{"a":'])
async def test_deep_nesting_is_refused(actor: Actor, depth: int, code: RefusalCode, bracket: bytes) -> None:
    closing = b"]" if bracket == b"[" else b"}"
    nested = bracket * depth + b"1" + closing * depth
    value = encode(fields(payload="HERE")).replace(b'"HERE"', nested)
    code = RefusalCode.TOO_LARGE if len(value) > COMMAND_MAX_BYTES else code
    assert code_of(await send(actor, value)) is code
    await good_goes_on(actor, HERE)


async def test_nesting_outside_the_payload_is_malformed(actor: Actor) -> None:
    value = encode(fields(id="HERE")).replace(b'"HERE"', b"[" * 100_000 + b"]" * 100_000)
    assert code_of(await send(actor, value)) is RefusalCode.MALFORMED


async def test_unsigned_command_is_refused(actor: Actor) -> None:
    value = encode(fields())
    good = sign(actor, value)
    for headers in (
        [],
        good[:1],
        [good[0], ("assent-signature", b"")],
        [good[0], ("assent-signature", b"AAAA")],
    ):
        assert code_of(await send(actor, value, headers=headers)) is RefusalCode.BAD_SIGNATURE
    await good_goes_on(actor, HERE)


async def test_signature_over_other_bytes_is_refused(actor: Actor) -> None:
    value = encode(fields())
    headers = sign(actor, encode(fields()))
    assert code_of(await send(actor, value, headers=headers)) is RefusalCode.BAD_SIGNATURE
    other = SecretKey(actor.log.keys[UPSTREAM].id, UPSTREAM)
    assert code_of(await send(actor, value, signer=other)) is RefusalCode.BAD_SIGNATURE
    await good_goes_on(actor, HERE)


async def test_refused_signature_does_not_take_the_command_id(actor: Actor) -> None:
    command = fields(resource="script/mine", id=new_command_id())
    stolen = await send(actor, command, kafka_key=b"script/mine", headers=sign(actor, b"other bytes"))
    assert code_of(stolen) is RefusalCode.BAD_SIGNATURE
    assert (await send(actor, command, kafka_key=b"script/mine")).refusal is None


@pytest.mark.parametrize("which", ["unknown", "expired", "early", "somebody-elses"])
async def test_key_that_is_not_the_principals_own_and_valid_now_is_refused(actor: Actor, which: str) -> None:
    principal, signer = {
        "unknown": (UPSTREAM, SecretKey("nobody-1", UPSTREAM)),
        "expired": ("expired", None),
        "early": ("early", None),
        "somebody-elses": ("alice", actor.log.keys["bob"]),
    }[which]
    decided = await send(actor, fields(principal=principal), signer=signer)
    assert code_of(decided) is RefusalCode.UNKNOWN_KEY
    await good_goes_on(actor, HERE)


async def test_command_in_another_partition_is_misrouted_and_the_right_one_is_named(actor: Actor) -> None:
    for wrong in {0, 1, 2, 3} - {HERE}:
        for command in (fields(), approval(request=f"{wrong}-0")):
            decided = await send(actor, command, partition=wrong)
            assert code_of(decided) is RefusalCode.MISROUTED
            assert decided.refusal is not None
            assert decided.refusal.partition == HERE


async def test_same_bytes_again_are_answered_with_the_first_decision(actor: Actor) -> None:
    command = fields(resource="script/twice")
    first = await send(actor, command, kafka_key=b"script/twice")
    assert first.refusal is None
    for _ in range(2):
        assert repeats(await send(actor, command, kafka_key=b"script/twice")) == first.seq
    refused = fields(resource="script/twice")
    locked = await send(actor, refused, kafka_key=b"script/twice")
    assert code_of(locked) is RefusalCode.RESOURCE_LOCKED
    assert repeats(await send(actor, refused, kafka_key=b"script/twice")) == locked.seq


@pytest.mark.parametrize(
    ("command", "code"),
    [
        (fields(surplus=1), RefusalCode.MALFORMED),
        (fields(payload="p" * (257 * 1_024)), RefusalCode.TOO_LARGE),
        (fields(justification=" "), RefusalCode.JUSTIFICATION_REQUIRED),
    ],
)
async def test_answer_is_found_by_input_or_hash_where_the_ledger_does_not_keep_the_bytes(
    actor: Actor, log: Log, follower: GovernanceFollower, command: dict[str, Any], code: RefusalCode
) -> None:
    value = encode(command)
    decided = await send(actor, value)
    assert code_of(decided) is code
    record = (await read_ledger(log, follower))[decided.partition][decided.seq].record
    assert decode_recorded_command(record) == OmittedCommand(sha256=sha256_hex(value), size=len(value))


async def test_same_id_with_other_bytes_is_refused_and_names_the_first_decision(actor: Actor) -> None:
    command = fields(resource="script/reused")
    first = await send(actor, command, kafka_key=b"script/reused")
    again = await send(actor, {**command, "payload": "echo other"}, kafka_key=b"script/reused")
    assert code_of(again) is RefusalCode.ID_REUSED
    assert again.refusal is not None
    assert again.refusal.decided == first.seq


@pytest.mark.parametrize("away_ms", [-25 * HOUR_MS, -24 * HOUR_MS - 1_000, 6 * 60 * 1_000, 25 * HOUR_MS])
async def test_command_dated_long_ago_or_in_the_future_is_stale(actor: Actor, away_ms: int) -> None:
    assert code_of(await send(actor, fields(at=now_ms() + away_ms))) is RefusalCode.STALE
    await good_goes_on(actor, HERE)


async def test_every_command_has_one_decision_and_all_of_it_verifies(
    actor: Actor, log: Log, follower: GovernanceFollower
) -> None:
    counted = await recount(log, follower)
    assert sum(map(len, counted.commands.values())) > 100
    tallies = await verify_requests(
        log.connection, follower, PARTITIONS, verify_signature, lambda _read, _all: None
    )
    assert sum(tally.quarantined for tally in tallies.values()) == 0
