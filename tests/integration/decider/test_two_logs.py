"""What was signed or sealed for one log is invalid in any other, whatever keys the two have in common."""

from pathlib import Path

from assent.ledger.topic_creation import apply_topics
from assent_contracts.client.keys import signed_headers
from assent_contracts.client.publisher import new_command_id, now_ms
from assent_contracts.codec import encode
from assent_contracts.commands import Approve
from assent_contracts.partitioner import partition_for
from assent_contracts.refusals import RefusalCode
from assent_contracts.topics import GOVERNANCE, GOVERNANCE_COMMANDS
from tests.support.log import (
    PARTITIONS,
    deciding,
    delete_topics,
    following,
    founded_log,
    fresh_log,
    publishing,
    read_ledger,
)
from tests.support.stack import Endpoints

SCRIPT = "script/the-same"
HERE = partition_for(SCRIPT.encode(), PARTITIONS)


async def test_log_founded_again_with_the_old_writer_s_key_does_not_take_over_old_requests(
    running: Endpoints, tmp_path: Path
) -> None:
    """Its governance is lost and its request partitions remain: another log, not the rest of this one."""
    old = await fresh_log(running.bootstrap, tmp_path)
    async with following(old) as follower, deciding(old, follower), publishing(old, follower) as actor:
        opened = await actor.opened(SCRIPT)
    await delete_topics(old.connection, {GOVERNANCE, GOVERNANCE_COMMANDS})
    await apply_topics(old.connection, partitions=PARTITIONS)
    again = await founded_log(old.connection, old.folder, old.writer)
    assert again.identity != old.identity
    assert again.keys["bob"].public == old.keys["bob"].public
    async with following(again) as follower, deciding(again, follower), publishing(again, follower) as actor:
        # The old submission is a bad signature here, and requests open there lock nothing.
        request = await actor.opened(SCRIPT)
        assert (opened.request, request.request) == (f"{HERE}-0", f"{HERE}-1")
        for identity, code in ((old.identity, RefusalCode.BAD_SIGNATURE), (again.identity, None)):
            approval = Approve(
                id=new_command_id(),
                principal="bob",
                at=now_ms(),
                resource=SCRIPT,
                request=request.request,
                submission=request.submission,
            )
            value = encode(approval)
            headers = signed_headers(again.keys["bob"], identity, approval, value, "tests")
            answer = await actor.publisher.send_bytes(value, SCRIPT.encode(), headers)
            assert (answer.refusal and answer.refusal.code) == code
        ledger = await read_ledger(again, follower)
        assert [each.record.seq for each in ledger[HERE]] == [0, 1, 2, 3]
