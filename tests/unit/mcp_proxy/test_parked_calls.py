"""The calls that a proxy keeps: each agent has its own share, and threads do not disturb each other."""

import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from assent.mcp_proxy import parked_calls
from assent.mcp_proxy.parked_calls import ParkedCall, ParkedCalls


@pytest.fixture
def calls(tmp_path: Path) -> Iterator[ParkedCalls]:
    opened = ParkedCalls(tmp_path)
    yield opened
    opened.close()


def call(agent: str, number: int, *, ended: bool = False) -> ParkedCall:
    return ParkedCall(
        task=f"{agent}-{number}",
        agent=agent,
        tool="deploy",
        digest="0" * 64,
        command=b"{}",
        parked_at=number,
        changed_at=number,
        ended=ended,
    )


def test_one_agent_uses_up_nothing_of_another(calls: ParkedCalls, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parked_calls, "KEPT_MAX", 2)
    calls.put(call("quiet", 0, ended=True))
    calls.put(call("quiet", 1))
    for number in range(2, 7):
        calls.put(call("loud", number, ended=True))
        calls.put(call("loud", 10 + number))
    calls.forget(keep_s=1e12)
    assert (calls.open_of("quiet"), calls.open_of("loud")) == (1, 5)
    kept = {task for task in (f"loud-{number}" for number in range(2, 7)) if calls.of_task(task, "loud")}
    assert kept == {"loud-5", "loud-6"}
    assert calls.of_task("quiet-0", "quiet") is not None, "it is older, and of another agent"


def test_calls_are_looked_up_while_other_threads_add_some(
    calls: ParkedCalls, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parked_calls, "write_durably", lambda _path, _value: None)
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)

    def add() -> None:
        for number in range(3_000):
            calls.put(call("agent", number))

    adding = threading.Thread(target=add)
    adding.start()
    try:
        while adding.is_alive():
            calls.open()
            calls.newest_like("agent", "1" * 64)
            assert calls.of_submission("none") is None
    finally:
        sys.setswitchinterval(interval)
        adding.join()
    assert len(calls.open()) == 3_000
