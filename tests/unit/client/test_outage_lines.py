"""While Kafka is unavailable few lines are written, and each states how many were not."""

import logging

import pytest

from assent_contracts.client import outage_lines
from assent_contracts.client.outage_lines import FewLines


def record(name: str, message: str, *values: object, level: int = logging.WARNING) -> logging.LogRecord:
    return logging.LogRecord(name, level, "file", 1, message, values, None)


def test_of_the_same_lines_one_passes_in_ten_seconds_with_the_number_of_the_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = 0
    monkeypatch.setattr(outage_lines.time, "monotonic", lambda: now / 10)
    few = FewLines()
    passed: list[str] = []
    for _ in range(401):
        line = record("client", "request %s: no decision yet", now)
        if few.filter(line):
            passed.append(line.getMessage())
        now += 1
    assert len(passed) == 4 + 1
    assert passed[0] == "request 0: no decision yet"
    assert passed[1].endswith("(99 more such lines since the last one)")


def test_lines_of_aiokafka_are_all_the_same_and_others_differ_by_their_text() -> None:
    few = FewLines()
    assert few.filter(record("aiokafka.conn", "one"))
    assert not few.filter(record("aiokafka.producer.sender", "another"))
    assert few.filter(record("client", "one"))
    assert few.filter(record("client", "another"))
    assert not few.filter(record("client", "another"))


def test_what_is_no_warning_passes() -> None:
    few = FewLines()
    assert all(few.filter(record("aiokafka.conn", "one", level=logging.INFO)) for _ in range(3))


def test_every_logger_of_aiokafka_writes_few_lines() -> None:
    outage_lines.few_lines_of_aiokafka()
    names = [name for name in logging.root.manager.loggerDict if name.startswith("aiokafka.")]
    assert len(names) > 3
    assert all(outage_lines.FEW_LINES in logging.getLogger(name).filters for name in names)
