"""The image of infra/Dockerfile: its services run as no user, on a root file system that nothing can write.

`make test-containers` builds it. Where no base image can be pulled, CI builds it on a stand-in that has
Debian's Python.
"""

import asyncio
import json
import os
import socket
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Final

import httpx
import pytest
import pytest_asyncio
from docker.errors import ContainerError
from docker.models.containers import Container
from testcontainers.core.docker_client import DockerClient

from assent.infra_files import infra_path
from tests.support.containers import Endpoints, containers

pytestmark = [pytest.mark.containers, pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(600)]

_IMAGE: Final = os.environ.get("ASSENT_TEST_IMAGE", "assent:0.1.0")
_READY_S: Final = 180.0
_STOP_S: Final = 60
_PINS: Final = Path(infra_path("requirements/runtime.txt"))


class Host:
    """Runs commands and services of the image, which share one folder for the log's keys."""

    def __init__(self, endpoints: Endpoints, folder: Path) -> None:
        self._docker = DockerClient().client
        self.folder = folder
        # The image's user has no name and no rights on this machine.
        folder.chmod(0o777)
        (folder / "dsn").write_text(f"{endpoints.dsn}\n")
        self.environ = {"ASSENT_KAFKA": endpoints.bootstrap, "ASSENT_POSTGRES_FILE": "/log/dsn"}
        self.started: list[Container] = []

    def _options(self, **environ: str) -> dict[str, Any]:
        return {
            "environment": self.environ | environ,
            "volumes": {str(self.folder): {"bind": "/log", "mode": "rw"}},
            "network_mode": "host",
            "read_only": True,
            "tmpfs": {"/tmp": "size=16m,mode=1777"},
            "cap_drop": ["ALL"],
            "security_opt": ["no-new-privileges"],
        }

    def assent(self, *arguments: str) -> str:
        """The output of a command; raises ContainerError if it fails."""
        output = self._docker.containers.run(
            _IMAGE, ["assent", *arguments], remove=True, **self._options(ASSENT_DATA="/log/data")
        )
        return output.decode()

    def start(self, service: str, **environ: str) -> tuple[Container, str]:
        """A service, and the address of its health."""
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        container = self._docker.containers.run(
            _IMAGE,
            ["python", "-m", f"assent.{service}"],
            detach=True,
            healthcheck={"test": ["CMD", "python", "-m", "assent.observe.health_check"], "interval": 10**9},
            **self._options(ASSENT_HTTP_PORT=str(port), ASSENT_HTTP_HOST="127.0.0.1", **environ),
        )
        self.started.append(container)
        return container, f"http://127.0.0.1:{port}"

    def remove(self) -> None:
        for each in self.started:
            each.remove(force=True)


def _printed(container: Container, *command: str) -> str:
    output = container.exec_run(list(command)).output
    assert isinstance(output, bytes)
    return output.decode()


async def _until_ready(container: Container, url: str) -> None:
    deadline = asyncio.get_running_loop().time() + _READY_S
    async with httpx.AsyncClient() as client:
        while True:
            try:
                if (await client.get(f"{url}/readyz")).status_code == 200:
                    return
            except httpx.HTTPError:
                pass
            assert asyncio.get_running_loop().time() < deadline, container.logs().decode()
            await asyncio.sleep(0.2)


async def _until_shown(host: Host, request: str, *, decisions: int) -> str:
    """The request's status, once the tables of both readers have this many decisions about it."""
    deadline = asyncio.get_running_loop().time() + _READY_S
    said: Any = None
    while True:
        try:
            said = json.loads(await asyncio.to_thread(host.assent, "show", request, "--json"))
            if len(said["timeline"]) >= decisions:
                return said["request"]["status"]
        except ContainerError as error:
            # Its row is not there yet.
            said = error
        assert asyncio.get_running_loop().time() < deadline, said


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def host(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Host]:
    """A founded log with its topics and tables, made by the image's own commands."""
    async with containers() as endpoints:
        made = Host(endpoints, tmp_path_factory.mktemp("image"))
        try:
            await asyncio.to_thread(_found, made)
            yield made
        finally:
            made.remove()


def _found(host: Host) -> None:
    source = Path(infra_path("demo/governance.toml")).read_text(encoding="utf-8")
    (host.folder / "governance.toml").write_text(source)
    (host.folder / "change.sh").write_text("echo hello\n")
    host.assent("topics", "apply", "--partitions", "2", "--replication-factor", "1")
    founded = host.assent("init", "/log/governance.toml", "--make-keys", "--partitions", "2", "--json")
    host.environ["ASSENT_IDENTITY"] = json.loads(founded)["identity"]
    assert json.loads(host.assent("tables", "apply", "--json"))["applied"]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def decider(host: Host) -> tuple[Container, str]:
    return host.start("decider", ASSENT_KEY_FILE="/log/data/keys/writer.key", ASSENT_STATE="/log/decider")


async def test_request_is_submitted_and_approved_through_services_of_the_image(
    host: Host, decider: tuple[Container, str]
) -> None:
    # The audit log has what an approver is shown, and the status has the request's state.
    for container, url in (decider, host.start("audit"), host.start("status")):
        await _until_ready(container, url)
    submitted = await asyncio.to_thread(
        host.assent,
        "submit",
        "script/hello.sh",
        "/log/change.sh",
        "--text",
        "-j",
        "Hello",
        "--as",
        "alice",
        "--json",
    )
    request = json.loads(submitted)["request"]
    approved = json.loads(
        await asyncio.to_thread(host.assent, "approve", request, "--yes", "--as", "bob", "--json")
    )
    assert approved["request"] == request
    assert "approved" in json.dumps(approved["events"])
    assert await _until_shown(host, request, decisions=2) == "approved"


async def test_service_runs_as_no_user_and_can_write_nothing_but_its_folders(
    host: Host, decider: tuple[Container, str]
) -> None:
    container, url = decider
    await _until_ready(container, url)
    assert _printed(container, "id", "-u") == "10001\n"
    for path in ("/opt/assent/x", "/x", "/etc/x", "/opt/assent/lib/x"):
        assert container.exec_run(["touch", path]).exit_code != 0, path
    assert container.exec_run(["touch", "/tmp/x"]).exit_code == 0
    assert container.exec_run(["python", "-c", "import pip"]).exit_code != 0
    shown = _printed(container, "cat", "/proc/1/status")
    assert "CapEff:\t0000000000000000" in shown
    assert "NoNewPrivs:\t1" in shown


async def test_engine_sees_a_service_that_works_as_healthy(
    host: Host, decider: tuple[Container, str]
) -> None:
    container, _ = decider
    deadline = asyncio.get_running_loop().time() + _READY_S
    while container.attrs["State"].get("Health", {}).get("Status") != "healthy":
        assert asyncio.get_running_loop().time() < deadline, container.attrs["State"]
        await asyncio.sleep(0.2)
        await asyncio.to_thread(container.reload)
    dead = container.exec_run(
        ["python", "-m", "assent.observe.health_check"], environment={"ASSENT_HTTP_PORT": "1"}
    )
    assert dead.exit_code == 1


async def test_wrong_settings_end_the_container_with_2_and_a_line_for_each(host: Host) -> None:
    container, _ = host.start("status", ASSENT_POSTGRES_FILE="/log/missing", ASSENT_LOG_LEVEL="loud")
    ended = await asyncio.to_thread(container.wait, timeout=_READY_S)
    assert ended["StatusCode"] == 2
    lines = container.logs().decode().splitlines()
    assert [line.partition(":")[0] for line in lines] == ["status", "status"], lines


async def test_sigterm_ends_a_service_cleanly(host: Host) -> None:
    container, url = host.start("status")
    await _until_ready(container, url)
    await asyncio.to_thread(container.stop, timeout=_STOP_S)
    container.reload()
    assert container.attrs["State"]["ExitCode"] == 0, container.logs().decode()
    assert '"event": "stopped"' in container.logs().decode()


async def test_image_states_what_it_is_and_contains_the_pinned_packages() -> None:
    client = DockerClient().client
    labels = client.images.get(_IMAGE).labels
    assert labels["org.opencontainers.image.title"] == "Assent"
    assert labels["org.opencontainers.image.licenses"] == "Apache-2.0"
    listing = (
        "import importlib.metadata as m, json, pathlib, sys;"
        "print(json.dumps({d.name.lower().replace('_', '-'): d.version for d in m.distributions()}));"
        "print(pathlib.Path(sys.prefix, 'sbom.json').read_text())"
    )
    output = await asyncio.to_thread(
        client.containers.run, _IMAGE, ["python", "-c", listing], remove=True, read_only=True
    )
    first, _, rest = output.decode().partition("\n")
    installed, sbom = json.loads(first), json.loads(rest)
    listed = {each["name"].lower().replace("_", "-"): each["version"] for each in sbom["components"]}
    ours = {"assent", "assent-contracts"}
    assert {
        name: version for name, version in installed.items() if name not in ours
    }.items() <= listed.items()
    assert len(listed) == sum(line[:1].isalpha() for line in _PINS.read_text().splitlines())
