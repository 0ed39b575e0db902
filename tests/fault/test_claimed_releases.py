"""A writer whose governance acts on releases that never existed: `settled` must not overlook it."""

import msgspec
import pytest
from msgspec import Raw

from assent.verify.finding import FindingError
from assent_contracts.acceptance import Accepted, Head
from assent_contracts.client.publisher import new_command_id, now_ms
from assent_contracts.codec import encode
from assent_contracts.commands import SubmitChange
from assent_contracts.core.governance.carry_out import carry_release
from assent_contracts.core.governance.state import Governance
from assent_contracts.core.governance.state_history import advance_to
from assent_contracts.core.writer.chain import Chain
from assent_contracts.digests import sha256_hex, to_base64url
from assent_contracts.governance_changes import CreatePolicy, object_of
from assent_contracts.ledger import RecordedCommand, decode_record
from assent_contracts.signing import command_message
from assent_contracts.topics import GOVERNANCE
from tests.support.forged_records import Place
from tests.support.governor import PROPOSER
from tests.support.people import policy_of
from tests.support.recount import read_topic
from tests.support.world import World

CHANGE = CreatePolicy(policy=policy_of("reports", "report", groups=("endpoint-admins",)))


def submission(world: World) -> RecordedCommand:
    """An administrator's submission of the change, correctly signed; the request ledger never had it."""
    key = world.log.keys[PROPOSER]
    value = encode(
        SubmitChange(
            id=new_command_id(),
            principal=PROPOSER,
            at=now_ms(),
            resource=object_of(CHANGE),
            operation="create",
            justification="It is needed.",
            payload=Raw(encode(CHANGE)),
        )
    )
    signature = to_base64url(key.sign(command_message(world.log.identity, value)))
    return RecordedCommand(value=Raw(value), key=key.id, signature=signature)


async def carry_what_never_was(world: World) -> int:
    """The writer itself appends and seals a governance record that carries out a release; returns its seq."""
    governance = Governance()
    advance_to(governance, world.follower.history, len(world.follower.history) - 1)
    submitted, digest = submission(world), sha256_hex(encode(CHANGE))
    events = carry_release(
        governance,
        submitted.value,
        now_ms(),
        request="0-0",
        released=2,
        digest=digest,
        as_of=governance.seq,
    )
    last = (await read_topic(world.log.connection, GOVERNANCE, 1))[0][-1]
    assert last.value is not None
    record = decode_record(last.value)
    accepted = Accepted(last.offset, record, last.value, sha256_hex(last.value))
    chain = Chain(Head(record.seq, accepted.value_sha256), record.epoch)
    link = chain.link(None, events, at=now_ms(), command=submitted)
    place = Place(world.log, GOVERNANCE, 0, [accepted])
    await place.put(place.sealed(link.value, world.log.writer))
    await world.follower.catch_up()
    assert msgspec.json.decode(link.value)["seq"] == len(world.follower.history) - 1
    return chain.seq


async def test_R1_world_whose_governance_acts_on_a_release_that_never_existed_is_not_settled(
    faulty: World,
) -> None:
    await faulty.settled(applied=False, tables=False)
    seq = await carry_what_never_was(faulty)
    with pytest.raises(FindingError) as found:
        await faulty.settled(applied=False, tables=False)
    assert (found.value.ledger, found.value.seq) == (GOVERNANCE, seq)
    assert "has no release of 0-0" in found.value.what
