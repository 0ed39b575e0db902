"""What the metrics are called and what their help states."""

import pytest
from aiokafka import TopicPartition
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.metrics import MetricWrapperBase

from assent.observe import metrics
from assent.observe.health import Health, Reason
from assent.observe.lag import Lag
from infra.docs.metrics import page, unit_of
from tests.support.metric_values import value
from tests.support.prometheus import promtool

METRICS = [each for each in vars(metrics).values() if isinstance(each, MetricWrapperBase)]
WHY = Reason(why="It is gone.", todo="Wait.")


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric._name)
def test_metric_states_its_meaning_and_its_unit(metric: MetricWrapperBase) -> None:
    [family] = metric.describe()
    help_text = family.documentation
    assert help_text[0].isupper() or help_text.startswith("1 while ")
    assert help_text.endswith(".")
    assert family.name.startswith("assent_")
    if family.type == "histogram":
        assert unit_of(family.name, help_text) == "seconds"
    assert f"`{family.name}" in page()


def test_promtool_accepts_every_metric() -> None:
    registry = CollectorRegistry()
    for metric in METRICS:
        registry.register(metric)
        if metric._labelnames:
            metric.labels(*("x" for _ in metric._labelnames))
    checked = promtool("check", "metrics", stdin=generate_latest(registry).decode())
    assert (checked.returncode, checked.stdout, checked.stderr) == (0, "", "")


def test_lost_condition_is_an_outage_and_a_start_is_none() -> None:
    health = Health("tested-condition")
    labels = {"condition": "tested-condition"}
    assert value(metrics.NOT_READY, **labels) == 1
    health.not_ready("tested-condition", WHY)
    health.not_ready("tested-condition-2", WHY)
    assert value(metrics.OUTAGES, condition="tested-condition-2") is None
    assert value(metrics.OUTAGES, **labels) is None
    health.ready("tested-condition")
    assert value(metrics.NOT_READY, **labels) == 0
    for _ in range(2):
        health.not_ready("tested-condition", WHY)
    assert (value(metrics.NOT_READY, **labels), value(metrics.OUTAGES, **labels)) == (1, 1)


def test_lag_is_that_of_the_oldest_end_that_was_not_reached(monkeypatch: pytest.MonkeyPatch) -> None:
    place, other = TopicPartition("tested", 0), TopicPartition("tested", 1)
    labels = {"ledger": "tested", "partition": "0"}
    now = 100.0
    monkeypatch.setattr("assent.observe.lag.time.monotonic", lambda: now)
    lag = Lag()
    lag.tell({place: 5})
    assert value(metrics.LAG_RECORDS, **labels) is None
    for at, read_to, end, expected in (
        (100.0, 5, 5, (0, 0)),
        (102.0, 5, 9, (4, 0)),
        (104.0, 5, 20, (15, 2)),
        # It has passed the first end, and has known the second for 4 seconds.
        (108.0, 10, 20, (10, 4)),
        (110.0, 20, 20, (0, 0)),
        (200.0, 20, 21, (1, 0)),
        (230.0, 20, 21, (1, 30)),
    ):
        now = at
        lag.read(place, read_to)
        lag.tell({place: end, other: 7})
        assert (value(metrics.LAG_RECORDS, **labels), value(metrics.LAG_SECONDS, **labels)) == expected
    lag.forget([place, other])
    assert value(metrics.LAG_RECORDS, **labels) is None
    assert value(metrics.LAG_SECONDS, **labels) is None
