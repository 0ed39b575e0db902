"""`assent doctor` repeats what a service reports as missing: why, and what to do."""

from typing import Final

import pytest

from assent.cli.diagnosis.check import Check
from assent.cli.diagnosis.examination import service_findings
from assent.observe.health import Health, Reason
from assent.observe.health_server import HealthServer
from assent.observe.readiness import readiness

AWAY: Final = Reason(why="Kafka cannot be reached.", todo="Check its brokers.")


def examined(health: Health) -> list[Check]:
    with HealthServer(health, "127.0.0.1", 0) as server:
        return list(service_findings("audit", readiness(f"http://127.0.0.1:{server.port}")))


def test_each_condition_has_its_reason_and_its_remedy() -> None:
    health = Health()
    assert examined(health) == [Check(ok=True, what="audit is ready", service="audit")]
    health.not_ready("kafka", AWAY)
    health.not_ready("postgres", AWAY)
    kafka, postgres = examined(health)
    assert (kafka.ok, kafka.what, kafka.why) == (False, "audit is ready (kafka)", AWAY.why)
    assert kafka.remedy == "Check its brokers. See logs/audit.log."
    assert postgres.what == "audit is ready (postgres)"


def test_harmless_condition_is_named_although_the_service_is_ready() -> None:
    health = Health()
    health.note("postgres", AWAY)
    ready, noted = examined(health)
    assert ready == Check(ok=True, what="audit is ready", service="audit")
    assert (noted.ok, noted.what, noted.why) == (False, "audit has all that it asks (postgres)", AWAY.why)
    health.note("postgres", None)
    assert examined(health) == [ready]


@pytest.mark.parametrize("url", ["http://127.0.0.1:1", "http://[::1]:1"])
def test_unreachable_service_has_them_too(url: str) -> None:
    [found] = service_findings("audit", readiness(url))
    assert not found.ok
    assert found.why.startswith("It does not answer: ")
    assert "restarted" in found.remedy
