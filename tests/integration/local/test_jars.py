"""The jars: pinned, checked at every start, downloaded once."""

import builtins
import shutil
from pathlib import Path

import pytest

from assent.local.jars import PINS, JarMismatch, cache_directory, kafka_jars, read_pins


@pytest.fixture(scope="session")
def filled() -> Path:
    """The user's own cache, filled."""
    cache = cache_directory()
    kafka_jars(cache, print)
    return cache


def test_full_cache_needs_no_network_and_no_resolver(filled: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def no_resolver(name: str, *rest: object) -> object:
        assert not name.startswith("jgo")
        return real(name, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(builtins, "__import__", no_resolver)
    lines: list[str] = []
    jars = kafka_jars(filled, lines.append)
    assert [jar.name for jar in jars] == list(read_pins(PINS))
    assert lines == []


def test_changed_jar_is_refused_by_name(filled: Path, tmp_path: Path) -> None:
    shutil.copytree(filled / "jars", tmp_path / "jars")
    victim = tmp_path / "jars" / "kafka-clients-4.3.1.jar"
    victim.write_bytes(victim.read_bytes() + b"\0")
    with pytest.raises(JarMismatch, match=r"kafka-clients-4\.3\.1\.jar has SHA-256 .* refused; delete"):
        kafka_jars(tmp_path, print)


def test_pins_are_46_jars_without_an_address() -> None:
    pins = read_pins(PINS)
    assert len(pins) == 46
    assert all(len(digest) == 64 for digest in pins.values())
    assert "/" not in PINS.read_text()
