"""The brokers' settings are compared with those that the topics must have, one by one."""

from typing import Any

import pytest

from assent.cli.diagnosis.examination import topic_findings
from assent.ledger.topic_creation import Applied, TopicsError
from assent.ledger.topic_state import (
    TopicDifference,
    TopicState,
    partition_differences,
    setting_differences,
    topic_specs,
    way_back,
)
from assent_contracts.topics import CHANGES, COMMANDS, GOVERNANCE, LEDGER

SPECS = topic_specs()


def state(name: str, *, partitions: int = 4, replicas: int = 1, **settings: str) -> dict[str, TopicState]:
    """One topic as it must be except for some settings; their dots are underscores here."""
    has: dict[str, str | None] = {**SPECS[name].config, "min.insync.replicas": "1", "flush.ms": "1"}
    has |= {setting.replace("_", "."): value for setting, value in settings.items()}
    return {name: TopicState(partitions, replicas, has, {})}


@pytest.mark.parametrize("name", SPECS)
def test_correct_topic_has_no_difference_whatever_else_is_set(name: str) -> None:
    assert setting_differences(SPECS, state(name)) == []


@pytest.mark.parametrize(("name", "setting"), [(name, each) for name in SPECS for each in SPECS[name].config])
def test_any_wrong_setting_is_named_with_both_values(name: str, setting: str) -> None:
    wrong: dict[str, Any] = {setting: "other"}
    there = state(name, **wrong)
    must = SPECS[name].config[setting]
    difference = TopicDifference(topic=name, setting=setting, found="other", must=must)
    assert setting_differences(SPECS, there) == [difference]
    assert str(difference) == f"{name}: {setting} is other, and must be {must}"


def test_three_copies_must_be_written_to_two_brokers() -> None:
    assert [each.setting for each in setting_differences(SPECS, state(LEDGER, replicas=3))] == [
        "min.insync.replicas"
    ]


def test_doctor_reports_a_ledger_with_limited_retention() -> None:
    there = state(LEDGER, retention_ms="604800000", cleanup_policy="compact")
    findings = list(topic_findings(setting_differences(SPECS, there)))
    assert [finding.ok for finding in findings] == [False, False]
    assert findings[1].what == f"{LEDGER}: retention.ms = -1"
    assert findings[1].why == "It is 604800000."
    assert "`assent topics apply` sets it" in findings[1].remedy
    assert "`assent audit verify`" in findings[1].remedy
    [content] = topic_findings([])
    assert content.ok


@pytest.mark.parametrize(("name", "must"), [(COMMANDS, 4), (CHANGES, 4), (GOVERNANCE, 1)])
def test_another_number_of_partitions_is_named(name: str, must: int) -> None:
    [difference] = partition_differences(SPECS, state(name, partitions=8), 4)
    assert (difference.found, difference.must) == ("8", str(must))
    assert difference.surplus
    assert "no decider leads" in way_back(difference)


def test_kafka_and_the_console_may_start_with_surplus_partitions_and_not_without_the_log_s_own() -> None:
    more = Applied(
        created=[], changed=[], partitions=partition_differences(SPECS, state(COMMANDS, partitions=8), 4)
    )
    more.must_fit(surplus=True)
    with pytest.raises(TopicsError, match="partitions is 8, and must be 4"):
        more.must_fit()
    fewer = Applied(
        created=[], changed=[], partitions=partition_differences(SPECS, state(COMMANDS, partitions=2), 4)
    )
    with pytest.raises(TopicsError, match="Restore its newest copy"):
        fewer.must_fit(surplus=True)
