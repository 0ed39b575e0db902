"""The supervisor, with real processes."""

import asyncio
import signal
import sys
from itertools import pairwise
from pathlib import Path

import psutil
import pytest

from assent.local import Directory, Service, ServiceStatus, Supervisor, restart_delay
from assent.local.ports import free_port

SLEEPS = "import time; time.sleep(600)"
STUBBORN = (
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); "
    "print('deaf', flush=True); time.sleep(600)"
)
DIES = "print('here', flush=True); raise SystemExit(3)"
SERVES = """
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer
class Ready(BaseHTTPRequestHandler):
    asked = 0
    def do_GET(self):
        Ready.asked += 1
        self.send_response(200 if self.path == "/readyz" and Ready.asked > 2 else 503)
        self.end_headers()
HTTPServer(("127.0.0.1", int(sys.argv[1])), Ready).serve_forever()
"""


def python(name: str, program: str, *arguments: str, ready_url: str | None = None) -> Service:
    return Service(name, [sys.executable, "-c", program, *arguments], ready_url=ready_url)


@pytest.fixture
def directory(tmp_path: Path) -> Directory:
    made = Directory(tmp_path / "data")
    made.create()
    return made


async def until(
    seen: list[ServiceStatus], wanted: int, state: str, event: asyncio.Event
) -> list[ServiceStatus]:
    async with asyncio.timeout(20):
        while len(found := [status for status in seen if status.state == state]) < wanted:
            event.clear()
            await event.wait()
    return found


async def test_dying_process_is_restarted_after_growing_delays_until_told_to_stop(
    directory: Directory,
) -> None:
    seen: list[ServiceStatus] = []
    event = asyncio.Event()

    def note(status: ServiceStatus) -> None:
        seen.append(status)
        event.set()

    supervisor = Supervisor(directory, [python("dies", DIES)], on_change=note)
    await supervisor.start()
    await until(seen, 4, "backing off", event)
    await supervisor.stop()

    waits = [
        after.since - before.since
        for before, after in pairwise(seen)
        if (before.state, after.state) == ("backing off", "starting")
    ]
    assert len(waits) >= 3
    assert all(earlier < later for earlier, later in pairwise(waits[:3]))
    assert seen[-1].state == "stopped"
    assert seen[-1].restarts >= 3
    assert {status.exit_code for status in seen if status.state == "backing off"} == {3}
    assert directory.log("dies").read_text().count("here") >= 4


@pytest.mark.parametrize("spread", [0.0, 0.5, 1.0])
def test_delays_double_from_a_fifth_of_a_second_and_stay_at_ten(spread: float) -> None:
    delays = [restart_delay.delay_s(failures, spread) for failures in range(1, 40)]
    assert 0.16 <= delays[0] < 0.2401
    assert all(earlier <= later for earlier, later in pairwise(delays))
    assert delays[-1] == 10.0


async def test_killed_process_comes_back_with_another_pid(directory: Directory) -> None:
    supervisor = Supervisor(directory, [python("sleeps", SLEEPS)])
    await supervisor.start()
    await supervisor.ready(limit_s=10)
    first = supervisor.statuses["sleeps"]
    assert first.pid is not None
    psutil.Process(first.pid).kill()
    async with asyncio.timeout(10):
        while supervisor.statuses["sleeps"].state == "up" and supervisor.statuses["sleeps"].restarts == 0:
            await asyncio.sleep(0.02)
    await supervisor.ready(limit_s=10)
    second = supervisor.statuses["sleeps"]
    assert second.pid != first.pid
    assert (second.restarts, second.exit_code) == (1, -signal.SIGKILL)
    await supervisor.stop()
    assert not psutil.pid_exists(second.pid or 0)


async def test_process_that_ignores_sigterm_is_killed_with_its_children_and_the_others_end_politely(
    directory: Directory,
) -> None:
    stubborn = f"import subprocess, sys; subprocess.Popen([sys.executable, '-c', {SLEEPS!r}]); " + STUBBORN
    supervisor = Supervisor(directory, [python("stubborn", stubborn), python("sleeps", SLEEPS)])
    await supervisor.start()
    await supervisor.ready(limit_s=10)
    async with asyncio.timeout(10):
        while "deaf" not in directory.log("stubborn").read_text():
            await asyncio.sleep(0.02)
    pid = supervisor.statuses["stubborn"].pid
    family = psutil.Process(pid).children(recursive=True)
    assert len(family) == 1
    await supervisor.stop(limit_s=0.5)
    assert supervisor.statuses["stubborn"].exit_code == -signal.SIGKILL
    assert supervisor.statuses["sleeps"].exit_code == -signal.SIGTERM
    assert {status.state for status in supervisor.statuses.values()} == {"stopped"}
    assert not any(process.is_running() and process.status() != psutil.STATUS_ZOMBIE for process in family)
    assert not list(directory.run.glob("*.json"))


async def test_service_with_a_ready_url_is_up_when_it_answers_200(directory: Directory) -> None:
    port = free_port()
    url = f"http://127.0.0.1:{port}/readyz"
    states: list[str] = []
    supervisor = Supervisor(
        directory,
        [python("serves", SERVES, str(port), ready_url=url)],
        on_change=lambda status: states.append(status.state),
    )
    await supervisor.start()
    await supervisor.ready(limit_s=10)
    await supervisor.stop()
    assert states == ["starting", "up", "stopped"]


async def test_service_that_never_answers_is_named_with_its_log(directory: Directory) -> None:
    url = f"http://127.0.0.1:{free_port()}/readyz"
    supervisor = Supervisor(directory, [python("mute", SLEEPS, ready_url=url)])
    await supervisor.start()
    with pytest.raises(TimeoutError, match=r"mute\.log"):
        await supervisor.ready(limit_s=0.3)
    await supervisor.stop()


async def test_missing_program_is_tried_again_and_the_log_says_why(directory: Directory) -> None:
    event = asyncio.Event()
    seen: list[ServiceStatus] = []

    def note(status: ServiceStatus) -> None:
        seen.append(status)
        event.set()

    supervisor = Supervisor(directory, [Service("missing", ["/no/such/program"])], on_change=note)
    await supervisor.start()
    await until(seen, 1, "backing off", event)
    await supervisor.stop()
    assert "cannot run /no/such/program" in directory.log("missing").read_text()


@pytest.mark.parametrize("name", ["", "Up", "../x", "kafka"])
def test_invalid_or_taken_name_is_refused(directory: Directory, name: str) -> None:
    with pytest.raises(ValueError, match="not a name"):
        Supervisor(directory, [Service(name, ["true"])])
