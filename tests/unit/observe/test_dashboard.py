"""The dashboard for Grafana: its file is the script's, and its queries are PromQL about existing metrics."""

import json
from typing import Any

import promql_parser
import pytest

from infra.grafana.dashboard import FILE, dashboard
from infra.grafana.panels import ROWS
from tests.unit.observe.test_alerts import names
from tests.unit.observe.test_metrics import METRICS

PANELS = [panel for row in ROWS.values() for panel in row]
LABELS = {
    sample: {*metric._labelnames, "le", "job", "instance"}
    for metric in METRICS
    for family in metric.describe()
    for sample in names(family.name)
}


def selectors(expression: Any) -> list[Any]:
    """Every metric that an expression selects, with its matchers."""
    if isinstance(expression, promql_parser.VectorSelector):
        return [expression]
    if isinstance(expression, promql_parser.MatrixSelector):
        return [expression.vector_selector]
    parts = [getattr(expression, name, None) for name in ("lhs", "rhs", "expr")]
    parts += getattr(expression, "args", [])
    return [each for part in parts if part is not None for each in selectors(part)]


def test_file_is_what_the_script_writes() -> None:
    assert FILE.read_text(encoding="utf-8") == dashboard(), "python -m infra.grafana"


def test_panels_are_apart_and_within_the_page() -> None:
    places = [each["gridPos"] for each in json.loads(dashboard())["panels"]]
    cells = [
        (x, y)
        for place in places
        for x in range(place["x"], place["x"] + place["w"])
        for y in range(place["y"], place["y"] + place["h"])
    ]
    assert len(cells) == len(set(cells))
    assert max(x for x, _ in cells) < 24


@pytest.mark.parametrize("panel", PANELS, ids=lambda panel: panel.title)
def test_query_is_about_metrics_and_labels_that_exist(panel: Any) -> None:
    assert panel.meaning.endswith(".")
    for query in panel.queries:
        found = selectors(promql_parser.parse(query.expression))
        assert found, query.expression
        for each in found:
            if each.name == "up":
                continue
            assert each.name in LABELS, query.expression
            matched = {matcher.name for matcher in each.matchers.matchers}
            assert matched <= LABELS[each.name], query.expression
