"""The dashboard as Grafana imports it."""

import json
from pathlib import Path
from typing import Any, Final

from infra.grafana.panels import ROWS, Panel

FILE: Final = Path(__file__).with_name("assent.json")
_WIDTH: Final = 24
_HEIGHT: Final = 8
_DATASOURCE: Final = {"type": "prometheus", "uid": "${datasource}"}


def dashboard() -> str:
    """The JSON document."""
    panels: list[dict[str, Any]] = []
    y = 0
    for title, row in ROWS.items():
        place = {"h": 1, "w": _WIDTH, "x": 0, "y": y}
        panels.append(
            {"id": len(panels) + 1, "type": "row", "title": title, "collapsed": False, "gridPos": place}
        )
        width = _WIDTH // len(row)
        for number, panel in enumerate(row):
            place = {"h": _HEIGHT, "w": width, "x": number * width, "y": y + 1}
            panels.append({"id": len(panels) + 1, "gridPos": place, **_graph(panel)})
        y += 1 + _HEIGHT
    document = {
        "uid": "assent",
        "title": "Assent",
        "description": "Made by `python -m infra.grafana`: change infra/grafana/panels.py instead.",
        "schemaVersion": 39,
        "refresh": "30s",
        "time": {"from": "now-6h", "to": "now"},
        "templating": {
            "list": [
                {"name": "datasource", "label": "Prometheus", "type": "datasource", "query": "prometheus"}
            ]
        },
        "panels": panels,
    }
    return json.dumps(document, indent=2) + "\n"


def _graph(panel: Panel) -> dict[str, Any]:
    return {
        "type": "timeseries",
        "title": panel.title,
        "description": panel.meaning,
        "datasource": _DATASOURCE,
        "fieldConfig": {"defaults": {"unit": panel.unit, "min": 0}, "overrides": []},
        "targets": [
            {
                "refId": chr(ord("A") + number),
                "datasource": _DATASOURCE,
                "expr": query.expression,
                "legendFormat": query.legend,
            }
            for number, query in enumerate(panel.queries)
        ],
    }
