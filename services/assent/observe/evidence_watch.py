"""Governance that lacks evidence: reported once, after which the process is not ready."""

import structlog

from assent.observe import metrics
from assent.observe.failure_reasons import no_evidence
from assent.observe.health import Health
from assent_contracts.client.follower import GovernanceFollower
from assent_contracts.governance_messages import GovernanceEvent
from assent_contracts.ledger import LedgerRecord
from assent_contracts.topics import GOVERNANCE

CONDITION = "governance-evidence"


def watch_governance(follower: GovernanceFollower, health: Health) -> None:
    """Report the first gap in governance to `health`. Call it before `follower` is started."""
    evidence = follower.evidence
    assert evidence is not None, "the follower is made with evidence"
    health.ready(CONDITION)

    def on_record(record: LedgerRecord, _: tuple[GovernanceEvent, ...]) -> None:
        gap = evidence.gap
        if gap is None or gap.seq != record.seq:
            return
        metrics.NO_EVIDENCE.labels(GOVERNANCE).inc()
        structlog.get_logger().error("no evidence", topic=GOVERNANCE, seq=gap.seq, lacks=gap.lacks)
        health.not_ready(CONDITION, no_evidence(f"Governance seq {gap.seq} lacks evidence: {gap.lacks}."))

    follower.listeners.append(on_record)
