"""R28, R29: the members of a set are objects of a target, and the set is not."""

from assent.reconcile.applied_requests import AppliedRequests
from assent_contracts import commands as c
from assent_contracts.ledger import decode_events
from tests.support.set_log import OBJECTS, SET, Coordinator, SetLog


def test_R28_R29_a_completed_set_is_not_missing_at_the_target() -> None:
    log = SetLog()
    name, members = log.submitted_set()
    Coordinator(log).run()
    log.act(c.Approve, "bob", name, SET)
    log.act(c.Complete, "alice", name, SET)
    Coordinator(log).run()
    for resource, request in members.items():
        log.act(c.Claim, "applier", request, resource)
        log.act(c.ReportOutcome, "applier", request, resource)
    assert Coordinator(log).run() == ["end"]
    applied = AppliedRequests(())
    for written in log.written.values():
        for accepted in written.records:
            applied.take(accepted.record, decode_events(accepted.record))
    assert {*applied.objects()} == {*OBJECTS}
