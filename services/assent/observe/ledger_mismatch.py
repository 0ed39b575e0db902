"""A ledger partition that differs from what is known of it: reported once in the log, and in readiness."""

import structlog

from assent.observe import metrics
from assent.observe.failure_reasons import reason_of
from assent.observe.health import Health
from assent_contracts.heads import Finding


class LedgerMismatch:
    """What this process reports about the partitions that it knows."""

    def __init__(self, health: Health) -> None:
        self._health = health
        self._told: dict[str, Finding] = {}

    def tell(self, place: str, finding: Finding | None) -> None:
        """Report what was found of a partition, such as `assent.ledger/3`; None when it is as known."""
        told = self._told.get(place)
        if finding is None:
            if told is not None:
                del self._told[place]
                _differs(told, 0)
                self._health.ready(_condition(place))
                structlog.get_logger().warning("the log matches what is known of it again", place=place)
            return
        self._told[place] = finding
        self._health.not_ready(_condition(place), reason_of(finding))
        if told is not None and told.kind == finding.kind:
            return
        if told is not None:
            _differs(told, 0)
        _differs(finding, 1)
        structlog.get_logger().error(
            "the log is not the one that was read",
            place=place,
            finding=finding.kind,
            known=finding.known,
            found=finding.found,
            why=finding.why,
            todo=finding.todo,
        )


def _condition(place: str) -> str:
    return f"history of {place}"


def _differs(finding: Finding, value: int) -> None:
    metrics.LOG_DIFFERS.labels(finding.topic, str(finding.partition), finding.kind).set(value)
