"""`assent up`: killed processes restart, a stop is clean, and nothing is lost."""

import os
import signal
import socket
import time
from pathlib import Path

from assent.infra_files import infra_path
from tests.support.cli import Cli, Up


def test_killed_process_is_started_again(up: Up, cli: Cli) -> None:
    """R12: three services and Postgres at once, then Kafka; afterwards a change is carried to its end."""
    for names in (("decider", "status", "applier", "postgres"), ("kafka",)):
        before = {name: (up.pid(name), sum(f"{name}: up" in line for line in up.lines())) for name in names}
        for pid, _ in before.values():
            os.kill(pid, signal.SIGKILL)
        for name, (pid, times) in before.items():
            up.wait_for(f"{name}: up", times=times + 1)
            assert up.pid(name) != pid
    resource = "script/after-the-kills.sh"
    request = cli.submit(resource, b"echo back", "--text", "--timeout", "60")
    # The lists' reader was killed as well.
    cli.until_status(request, "needs_approval")
    assert cli("approve", request, "--yes", "--as", "bob").code == 0
    assert cli("complete", request, "--yes", "--as", "device-config").code == 0
    cli.until_status(request, "completed")
    assert (cli.data / "target" / resource).read_bytes() == b"echo back"
    assert cli("audit", "verify").code == 0


def test_libraries_and_logs_do_not_print_to_the_terminal(up: Up, cli: Cli) -> None:
    text = up.log.read_text()
    assert not [word for word in ("Applying", "aiokafka", "event=", "Traceback", "[warning") if word in text]
    assert "server ended" in (cli.data / "logs" / "up.log").read_text()


def test_stop_is_clean_and_a_new_start_has_everything(up: Up, cli: Cli) -> None:
    """Also when another program has taken the port in the meantime: then Kafka uses another one."""
    before = cli("requests", "--json").json
    document = cli("env", "--json").json
    assert up.stop(signal.SIGTERM) == 0
    assert up.lines()[-1] == "Stopped."
    assert cli("env", "--json").code == 1
    host, _, port = document["kafka"].partition(":")
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind((host, int(port)))
        taken.listen()
        up.process = Up(cli, up.log).process
    again = cli("env", "--json").json
    assert again["kafka"] != document["kafka"]
    assert again["identity"] == document["identity"]
    assert cli("requests", "--json").json == before
    cli.submit("script/other-port.sh", b"x", "--text")


def test_interrupted_founding_begins_again(tmp_path: Path) -> None:
    """Killed after its keys were written and its log was begun."""
    cli, file = Cli(tmp_path / "data"), str(infra_path("demo/governance.toml"))
    cut = cli.start("init", file, "--make-keys")
    while not (cli.data / "kafka").exists():
        time.sleep(0.01)
    cut.send_signal(signal.SIGKILL)
    cut.communicate()
    keys = {path.name: path.read_bytes() for path in (cli.data / "keys").iterdir()}
    again = cli("init", file, "--make-keys")
    assert again.code == 0, again
    assert "interrupted" in again.err
    assert {path.name: path.read_bytes() for path in (cli.data / "keys").iterdir()} == keys
