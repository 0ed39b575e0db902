"""The Helm chart's values fit their schema, and its templates name settings and topics that exist."""

import json
import re
from pathlib import Path
from typing import Any, Final

import jsonschema
import pytest
import yaml

from infra.docs.settings import STRUCTS, kafka_settings, settings_of

ROOT: Final = Path(__file__).parents[2]
CHART: Final = ROOT / "infra" / "helm" / "assent"
_VARIABLE: Final = re.compile(r"\bASSENT_[A-Z_]+[A-Z]\b")
_DECIDER_ALONE: Final = {"assent.ledger", "assent.governance", "assent.heads", "assent.snapshots"}


def _yaml(path: Path) -> Any:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def _schema() -> Any:
    return json.loads((CHART / "values.schema.json").read_text(encoding="utf-8"))


def _merged(base: Any, more: Any) -> Any:
    if not (isinstance(base, dict) and isinstance(more, dict)):
        return more
    return base | {name: _merged(base.get(name), value) for name, value in more.items()}


@pytest.mark.parametrize("file", [None, *sorted((CHART / "ci").glob("*.yaml"))], ids=str)
def test_values_fit_the_schema(file: Path | None) -> None:
    values = _yaml(CHART / "values.yaml")
    jsonschema.validate(values if file is None else _merged(values, _yaml(file)), _schema())


def test_schema_refuses_what_no_value_is_called() -> None:
    values = _merged(_yaml(CHART / "values.yaml"), {"services": {"decider": {"replica": 3}}})
    with pytest.raises(jsonschema.ValidationError, match="replica"):
        jsonschema.validate(values, _schema())


def test_templates_set_only_settings_that_services_read() -> None:
    listed = {each.variable for each in kafka_settings()}
    listed |= {each.variable for title in STRUCTS for each in settings_of(title)}
    templates = [path.read_text(encoding="utf-8") for path in (CHART / "templates").iterdir()]
    named = {name for text in templates for name in _VARIABLE.findall(text)}
    assert len(named) > 20
    assert named - listed == set()


def test_rights_are_on_topics_that_exist_and_only_the_decider_writes_what_it_seals() -> None:
    roles = _yaml(CHART / "acls.yaml")["roles"]
    topics = _yaml(ROOT / "infra" / "topics.yaml")["topics"]
    for role, rights in roles.items():
        assert set(rights["topics"]) <= set(topics), role
        written = {topic for topic, allowed in rights["topics"].items() if "write" in allowed}
        assert not written & _DECIDER_ALONE or role in ("decider", "founder"), role
    assert set(roles["topics"]["topics"]) == set(topics)


def test_rights_of_the_chart_are_those_of_every_cluster() -> None:
    """A chart can only read its own files; `assent acls apply` reads the original."""
    assert _yaml(CHART / "acls.yaml") == _yaml(ROOT / "infra" / "acls.yaml")
