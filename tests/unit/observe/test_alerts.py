"""The alerting rules, as Prometheus's own tool reads and tests them."""

import re

import yaml

from tests.support.prometheus import RULES, promtool
from tests.unit.observe.test_metrics import METRICS

TESTS = (RULES.with_name("alerts_test.yaml"), RULES.with_name("alerts_of_a_day_test.yaml"))


def alerts() -> dict[str, dict[str, object]]:
    groups = yaml.safe_load(RULES.read_text())["groups"]
    return {rule["alert"]: rule for group in groups for rule in group["rules"]}


def test_promtool_accepts_the_rules() -> None:
    checked = promtool("check", "rules", "--lint-fatal", str(RULES))
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_each_alert_fires_and_does_not_where_the_test_of_the_rules_says_so() -> None:
    tested = promtool("test", "rules", *(file.name for file in TESTS), folder=RULES.parent)
    assert tested.returncode == 0, tested.stdout + tested.stderr
    fires: dict[str, set[bool]] = {}
    for test in (test for file in TESTS for test in yaml.safe_load(file.read_text())["tests"]):
        for each in test["alert_rule_test"]:
            fires.setdefault(each["alertname"], set()).add(bool(each["exp_alerts"]))
    assert fires == {name: {True, False} for name in alerts()}


def test_rules_name_metrics_that_exist() -> None:
    known = {sample for metric in METRICS for family in metric.describe() for sample in names(family.name)}
    for name, rule in alerts().items():
        named = set(re.findall(r"\bassent_[a-z_]+", str(rule["expr"])))
        assert named <= known, name
        assert named or name == "AssentDown"


def names(family: str) -> tuple[str, ...]:
    return family, f"{family}_total", f"{family}_bucket", f"{family}_count", f"{family}_sum"
