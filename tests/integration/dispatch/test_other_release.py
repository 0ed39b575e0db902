"""A change in progress has a release that the ledger does not have: the log was restored beneath it."""

from pathlib import Path

import msgspec

from assent_contracts.client.applier_journal import Journal
from assent_contracts.client.follower import GovernanceFollower
from assent_contracts.client.publisher import new_command_id, now_ms
from assent_contracts.codec import encode
from assent_contracts.commands import ReportOutcome
from assent_contracts.digests import sha256_hex
from assent_contracts.released_change import Change
from tests.support.handover import Folders, applying, dispatching, events_of
from tests.support.log import APPLIER, Actor, Log
from tests.support.stack import until

OLD = msgspec.Raw(b'"old"')


async def test_no_claim_and_no_report_is_sent_for_a_change_in_progress_of_another_release(
    log: Log, follower: GovernanceFollower, actor: Actor, tmp_path: Path
) -> None:
    folders = Folders.of(tmp_path)
    request = await actor.released("script/other", b'"new"')
    lost = Change(
        request=request.request,
        resource=request.resource,
        operation=request.operation,
        requester=request.requester,
        justification="It is needed.",
        digest=sha256_hex(OLD),
        submission=sha256_hex(b"what was submitted then"),
        released=2,
        at=now_ms(),
        payload=OLD,
    )
    report = ReportOutcome(
        id=new_command_id(),
        principal=APPLIER,
        at=now_ms(),
        resource=lost.resource,
        request=lost.request,
        outcome="succeeded",
    )
    journal = Journal(folders.state, log.identity)
    journal.begin(lost)
    journal.write(lost.request, "report", encode(report))
    journal.close()
    async with dispatching(log, follower), applying(log, follower, folders) as applier:

        async def is_told_of_both() -> bool:
            return applier.results().count("other-release") == 2

        await until(is_told_of_both)
    assert (await events_of(log, follower, request.request))[-1] == "change-released"
    assert not (folders.target / "script").exists()
    journal = Journal(folders.state, log.identity)
    assert journal.change(lost.request) == lost, "people need it"
    journal.close()
