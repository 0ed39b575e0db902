"""The figures: what each one means, what it is compared with, its goal, and how it is shown."""

import platform
import statistics
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Final

import msgspec
import psutil
from rich.console import Console
from rich.table import Table

_GIB_MIB: Final = 1024
_PACKAGES: Final = ("aiokafka", "msgspec", "asyncpg", "PyNaCl", "uvloop")


class Meaning(msgspec.Struct, frozen=True):
    """One figure: its unit, its floor, and its goal."""

    unit: str
    floor: str
    ratio_at_least: float | None = None
    ratio_at_most: float | None = None
    value_at_most: float | None = None


MEANINGS: Final = {
    "decide_signed": Meaning("commands/s", "PyNaCl verify, two threads", ratio_at_least=0.5),
    "decide_unsigned": Meaning("commands/s", "raw aiokafka consume", ratio_at_least=0.3),
    "status": Meaning("records/s", "server-side COPY of the audit's rows", ratio_at_least=0.5),
    "audit": Meaning("records/s", "server-side COPY of the same rows", ratio_at_least=0.45),
    "verify": Meaning("records/s", "raw aiokafka consume", ratio_at_least=0.4),
    "verify_signed": Meaning("records/s", "raw aiokafka consume"),
    "latency_p50": Meaning("ms", "a bare relay", ratio_at_most=1.5),
    "latency_p99": Meaning("ms", "a bare relay", ratio_at_most=2.5),
    "apply": Meaning("changes/s", "a bare loop: consume one, produce two"),
    "applied_p50": Meaning("ms", "", value_at_most=100.0),
    "applied_p99": Meaning("ms", ""),
    "gateway_p50": Meaning("ms", "a bare relay"),
    "gateway_p99": Meaning("ms", "a bare relay"),
    "lists_p99": Meaning("ms", "a bare indexed query"),
    "streams_memory": Meaning("KiB each", ""),
    "streams_heard": Meaning("ms", ""),
    "takeover": Meaning("s", "", value_at_most=30.0),
    "takeover_snapshot": Meaning("s", "the same from the ledger's start"),
    "snapshot_pause": Meaning("ms", "", value_at_most=20.0),
    "memory_open_requests": Meaning("MiB", "", value_at_most=1.5 * _GIB_MIB),
}
"""Rates cover the whole path; latency runs from submission to the client until its decision is read."""


class Sample(msgspec.Struct, frozen=True, kw_only=True):
    """One repeat of one figure."""

    name: str
    value: float
    floor: float | None = None
    peak_mib: float | None = None


class Figure(msgspec.Struct, frozen=True, kw_only=True):
    """A figure's medians over the repeats."""

    name: str
    value: float
    unit: str
    floor: float | None
    ratio: float | None
    peak_mib: float | None


def figures(samples: Sequence[Sample]) -> list[Figure]:
    """One figure for each name, in the order of MEANINGS. The ratio is that of the medians."""
    found: list[Figure] = []
    for name, meaning in MEANINGS.items():
        of = [sample for sample in samples if sample.name == name]
        if not of:
            continue
        value = statistics.median(sample.value for sample in of)
        floors = [sample.floor for sample in of if sample.floor is not None]
        floor = statistics.median(floors) if floors else None
        peaks = [sample.peak_mib for sample in of if sample.peak_mib is not None]
        found.append(
            Figure(
                name=name,
                value=round(value, 3),
                unit=meaning.unit,
                floor=None if floor is None else round(floor, 3),
                ratio=None if floor is None else round(value / floor, 3),
                peak_mib=round(max(peaks), 1) if peaks else None,
            )
        )
    return found


def verdict(figure: Figure) -> str:
    """Whether the goal is met, or by how much it is missed; empty if there is no goal."""
    meaning = MEANINGS[figure.name]
    if meaning.value_at_most is not None:
        return _said(figure.value <= meaning.value_at_most, figure.value / meaning.value_at_most - 1)
    if figure.ratio is None:
        return ""
    if meaning.ratio_at_least is not None:
        return _said(figure.ratio >= meaning.ratio_at_least, 1 - figure.ratio / meaning.ratio_at_least)
    if meaning.ratio_at_most is not None:
        return _said(figure.ratio <= meaning.ratio_at_most, figure.ratio / meaning.ratio_at_most - 1)
    return ""


def _said(met: bool, missed_by: float) -> str:  # noqa: FBT001  a verdict on one thing
    return "[green]met[/]" if met else f"[red]missed by {missed_by:.0%}[/]"


def _goal(meaning: Meaning, unit: str) -> str:
    if meaning.ratio_at_least is not None:
        return f"ratio ≥ {meaning.ratio_at_least:g}"
    if meaning.ratio_at_most is not None:
        return f"ratio ≤ {meaning.ratio_at_most:g}"
    return "" if meaning.value_at_most is None else f"≤ {meaning.value_at_most:,.0f} {unit}"


def show(console: Console, found: Sequence[Figure]) -> None:
    """The table."""
    table = Table(title="Medians over the repeats; peak memory: the most of any repeat")
    for column in ("figure", "ours", "unit", "floor", "ratio", "goal", "", "peak MiB"):
        table.add_column(column, justify="right" if column in ("ours", "ratio", "peak MiB") else "left")
    for figure in found:
        meaning = MEANINGS[figure.name]
        table.add_row(
            figure.name,
            _number(figure.value),
            figure.unit,
            "" if figure.floor is None else f"{_number(figure.floor)} ({meaning.floor})",
            "" if figure.ratio is None else f"{figure.ratio:.2f}",
            _goal(meaning, figure.unit),
            verdict(figure),
            "" if figure.peak_mib is None else f"{figure.peak_mib:,.0f}",
        )
    console.print(table)


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:,.2f}"


def machine() -> str:
    """The processor, its load, and the software that runs on it."""
    load = ", ".join(f"{each:.2f}" for each in psutil.getloadavg())
    packages = " · ".join(f"{name} {version(name)}" for name in _PACKAGES)
    return (
        f"{psutil.cpu_count()} cores, {_processor()}; load average {load}\n"
        f"Python {platform.python_version()} · {packages} · {platform.system()} {platform.release()}"
    )


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except FileNotFoundError:
        return platform.processor() or platform.machine()
    named = (line.partition(": ")[2] for line in lines if line.startswith("model name"))
    return next(named, platform.machine())
