"""The configurations in infra/appliers, against stand-ins that behave like the real interfaces."""

import asyncio
import base64
import hashlib
import json
import os
import pwd
import shutil
import subprocess
import tempfile
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from assent.applier.configuration import TABLES, read_configuration
from assent.applier.targets.command.table import CommandTable
from assent.applier.targets.command.target import CommandTarget
from assent.applier.targets.http.table import HttpTable
from assent.applier.targets.http.target import HttpTarget
from assent.infra_files import infra_path
from assent_contracts.client.handler import FinalError, Release, RetryableError, UnknownOutcomeError
from tests.support.graph_standin import Graph
from tests.support.http_standin import Fault, StandIn, standing_in
from tests.support.optional_tools import skip_or_fail
from tests.support.releases import change, release
from tests.support.unleash_standin import Unleash

SHIPPED = sorted(infra_path("appliers").glob("*.toml"))


@pytest.mark.parametrize("file", SHIPPED, ids=lambda file: file.stem)
def test_shipped_configuration_is_valid(file: Path) -> None:
    configuration = read_configuration(file)
    assert isinstance(configuration.table, TABLES[configuration.limits.kind])


def table_of(name: str, api: StandIn, *hosts: str) -> HttpTable:
    """The shipped table, with the stand-in in place of the real hosts."""
    text = infra_path(f"appliers/{name}.toml").read_text()
    for host in hosts:
        text = text.replace(f"https://{host}", api.url)
    table = tomllib.loads(text)["http"]
    reachable = {"hosts": [api.url.removeprefix("http://")], "plain_http": True, "private_addresses": True}
    return msgspec.convert(table | reachable, HttpTable)


@pytest.fixture
def graph() -> Graph:
    return Graph()


@pytest.fixture
def intune(graph: Graph, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[StandIn, HttpTarget]]:
    monkeypatch.setenv("GRAPH_CLIENT_SECRET", "a-secret")
    with standing_in(graph) as api:
        graph.url = api.url
        table = table_of("intune-scripts", api, "graph.microsoft.com", "login.microsoftonline.com")
        yield api, HttpTarget(msgspec.structs.replace(table, request_timeout_s=0.5), 20)


def script(text: str, **fields: Any) -> Release:
    return release("script/win/dns.ps1", json.dumps(text).encode(), **fields)


async def test_intune_script_is_created_changed_and_deleted(
    graph: Graph, intune: tuple[StandIn, HttpTarget]
) -> None:
    _, target = intune
    for name in ("other", "another", "third"):
        graph.scripts[name] = {"id": name, "displayName": name, "description": "", "scriptContent": ""}
    created = script("one")
    assert await target.read_back(release("script/gone", operation="delete")) is not None
    applied = await target.apply(created)
    assert applied is not None
    assert await target.read_back(created) == applied
    [made] = [each for each in graph.scripts.values() if each["displayName"] == "win/dns.ps1"]
    assert (base64.b64decode(made["scriptContent"]), made["fileName"]) == (b"one", "dns.ps1")
    assert applied.version == made["lastModifiedDateTime"]
    changed = script("two", request="2-9")
    await target.apply(changed)
    assert len(graph.scripts) == 4
    assert base64.b64decode(made["scriptContent"]) == b"two"
    await target.apply(script("two", operation="delete", request="2-11"))
    assert sorted(graph.scripts) == ["another", "other", "third"]


@pytest.mark.parametrize("fault", ["504 after", "lost after", "late"])
async def test_intune_script_is_created_once_although_its_answer_is_lost(
    fault: Fault, graph: Graph, intune: tuple[StandIn, HttpTarget]
) -> None:
    api, target = intune
    await target.plan(change("script/x"))  # so that the token's request meets no fault
    api.faults = [fault]
    api.late_s = 1.0
    assert await target.apply(script("one")) is not None
    assert len(graph.scripts) == 1


async def test_intune_script_that_a_killed_applier_created_is_not_created_again(
    graph: Graph, intune: tuple[StandIn, HttpTarget]
) -> None:
    _, target = intune
    await target.apply(script("one"))
    modified = [each["lastModifiedDateTime"] for each in graph.scripts.values()]
    await target.apply(script("one"))
    assert [each["lastModifiedDateTime"] for each in graph.scripts.values()] == modified


async def test_intune_s_own_approval_is_final_and_named(
    graph: Graph, intune: tuple[StandIn, HttpTarget]
) -> None:
    _, target = intune
    graph.protected = True
    with pytest.raises(FinalError, match="create was answered with status 412: Approval Required"):
        await target.apply(script("one"))
    assert graph.scripts == {}


GROUP = {
    "target": {"@odata.type": "#microsoft.graph.groupAssignmentTarget", "groupId": "11111111-2222"},
}


async def test_intune_script_is_assigned_and_its_content_stays(
    graph: Graph, intune: tuple[StandIn, HttpTarget]
) -> None:
    _, target = intune
    await target.apply(script("one"))
    [made] = graph.scripts.values()
    payload = json.dumps({"assignments": [GROUP]}).encode()
    await target.apply(release("script/win/dns.ps1", payload, operation="assign", request="2-5"))
    assert (made["assignments"], base64.b64decode(made["scriptContent"])) == ([GROUP], b"one")


@pytest.fixture
def intune_apps(graph: Graph, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[StandIn, HttpTarget]]:
    monkeypatch.setenv("GRAPH_CLIENT_SECRET", "secret")
    for name in ("Other", "Another", "VPN client"):
        key = name.lower().replace(" ", "-")
        graph.apps[key] = {
            "@odata.type": "#microsoft.graph.win32LobApp",
            "id": key,
            "displayName": name,
            "committedContentVersion": "2",
            "lastModifiedDateTime": "2025-12-31T00:00:00Z",
            "versions": {"2": 10, "3": 11},
        }
    with standing_in(graph) as api:
        graph.url = api.url
        table = table_of("intune-apps", api, "graph.microsoft.com", "login.microsoftonline.com")
        yield api, HttpTarget(msgspec.structs.replace(table, request_timeout_s=0.5), 20)


def app(payload: object, **fields: Any) -> Release:
    return release("app/VPN client", json.dumps(payload).encode(), **fields)


async def test_intune_app_gets_the_uploaded_content_and_the_assignments_that_were_approved(
    graph: Graph, intune_apps: tuple[StandIn, HttpTarget]
) -> None:
    _, target = intune_apps
    applied = await target.apply(app({"content_version": "3", "size": 11}))
    made = graph.apps["vpn-client"]
    assert made["committedContentVersion"] == "3"
    assert made["notes"].startswith("Assent request 2-0 ")
    assert applied is not None
    assert applied.version == made["lastModifiedDateTime"]
    await target.apply(app({"assignments": [GROUP]}, operation="assign", request="2-5"))
    assert (made["assignments"], made["committedContentVersion"]) == ([GROUP], "3")
    assert "assignments" not in graph.apps["other"]


@pytest.mark.parametrize(
    "payload", [{"content_version": "3", "size": 12}, {"content_version": "4", "size": 11}]
)
async def test_intune_app_with_another_upload_than_approved_is_not_changed(
    payload: object, graph: Graph, intune_apps: tuple[StandIn, HttpTarget]
) -> None:
    with pytest.raises(FinalError, match="Nothing was changed"):
        await intune_apps[1].apply(app(payload))
    assert graph.apps["vpn-client"]["committedContentVersion"] == "2"


async def test_intune_app_that_does_not_exist_is_final(intune_apps: tuple[StandIn, HttpTarget]) -> None:
    with pytest.raises(FinalError, match="Nothing was changed: find"):
        await intune_apps[1].apply(release("app/None", b'{"content_version": "3", "size": 11}'))


@pytest.mark.parametrize("fault", ["504 after", "lost after", "late"])
async def test_intune_app_is_assigned_although_an_answer_is_lost(
    fault: Fault, graph: Graph, intune_apps: tuple[StandIn, HttpTarget]
) -> None:
    api, target = intune_apps
    await target.plan(change("app/VPN client", operation="assign"))
    api.faults = [fault]
    api.late_s = 1.0
    assert await target.apply(app({"assignments": [GROUP]}, operation="assign")) is not None
    assert graph.apps["vpn-client"]["assignments"] == [GROUP]


@pytest.fixture
def unleash(monkeypatch: pytest.MonkeyPatch) -> Unleash:
    monkeypatch.setenv("UNLEASH_TOKEN", "*:*.token")
    return Unleash("*:*.token")


def flag(switch: str, rollout: int, **fields: Any) -> Release:
    payload = json.dumps({"enabled": switch == "on", "rollout": rollout}).encode()
    return release("feature-flag/pay-v2", payload, **fields)


async def test_flag_gets_its_strategy_before_it_is_switched_on(unleash: Unleash) -> None:
    with standing_in(unleash) as api:
        target = HttpTarget(table_of("unleash-flags", api, "unleash.example.com"), 20)
        applied = await target.apply(flag("on", 25))
        assert await target.read_back(flag("on", 25)) is not None
        with pytest.raises(UnknownOutcomeError):
            await target.read_back(flag("on", 50))
        assert [each["parameters"]["rollout"] for each in unleash.flags["pay-v2"]["strategies"]] == ["25"]
        await target.apply(flag("off", 50, request="2-4"))
        assert unleash.flags["pay-v2"]["enabled"] is False
        assert [each["parameters"]["rollout"] for each in unleash.flags["pay-v2"]["strategies"]] == ["50"]
        await target.apply(flag("off", 0, operation="delete", request="2-6"))
        assert unleash.flags == {}
    assert applied is not None
    assert applied.version == "5"


@pytest.mark.parametrize("before", range(5))
async def test_flag_is_as_approved_wherever_a_request_is_lost(before: int, unleash: Unleash) -> None:
    """Adding the strategy is the one request that must not be sent twice."""
    with standing_in(unleash) as api:
        target = HttpTarget(table_of("unleash-flags", api, "unleash.example.com"), 20)
        real, asked = api.handle, []

        def handle(one: Any) -> Any:
            asked.append(one.method != "GET")
            if one.method != "GET" and sum(asked) == before + 1:
                api.faults = ["lost after"]
            return real(one)

        api.handle = handle  # type: ignore[method-assign]
        try:
            await target.apply(flag("on", 25))
        except UnknownOutcomeError:
            await target.apply(flag("on", 25))  # as people do, once they have looked
        assert unleash.flags["pay-v2"]["enabled"] is True
        assert [each["parameters"]["rollout"] for each in unleash.flags["pay-v2"]["strategies"]] == ["25"]


@pytest.fixture
def workspace() -> Iterator[Path]:
    terraform = shutil.which("terraform") or shutil.which("tofu")
    if terraform is None:
        skip_or_fail("neither terraform nor tofu is installed")
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        (root / "plans").mkdir()
        (root / "work").mkdir()
        (root / "work/main.tf").write_text(
            'variable "v" { default = "1" }\nresource "terraform_data" "a" { input = var.v }\n'
        )
        _run(root, terraform, "init", "-input=false")
        (root / "terraform").write_text(terraform)
        yield root


def _run(root: Path, *argv: str) -> None:
    environment = {**os.environ, "TF_CLI_CONFIG_FILE": os.devnull, "CHECKPOINT_DISABLE": "1"}
    subprocess.run(argv, cwd=root / "work", env=environment, check=True, capture_output=True)
    if os.geteuid() == 0:
        nobody = pwd.getpwnam("nobody")
        for each in (root, *root.rglob("*")):
            os.chown(each, nobody.pw_uid, nobody.pw_gid)


def planned(root: Path, value: str) -> Release:
    """A plan in the folder of plans, and its release."""
    terraform = (root / "terraform").read_text()
    _run(root, terraform, "plan", "-input=false", f"-var=v={value}", f"-out={root}/plan")
    content = (root / "plan").read_bytes()
    digest = hashlib.sha256(content).hexdigest()
    (root / "plans" / f"{digest}.tfplan").write_bytes(content)
    return release(
        "terraform-plan/network", json.dumps({"sha256": digest, "shown": "…"}).encode(), request=f"2-{value}"
    )


def terraform_target(root: Path) -> CommandTarget:
    text = infra_path("appliers/terraform-plan.toml").read_text()
    text = text.replace("/usr/share/assent", str(infra_path("appliers")))
    table = tomllib.loads(text)["command"]
    table["environment"] |= {
        "PATH": os.environ["PATH"],
        "PLANS": f"{root}/plans",
        "WORKSPACE": f"{root}/work",
        "TERRAFORM": (root / "terraform").read_text(),
    }
    table["user"] = "nobody" if os.geteuid() == 0 else pwd.getpwuid(os.geteuid()).pw_name
    return CommandTarget(msgspec.convert(table, CommandTable), 60)


async def test_terraform_plan_is_applied_once_by_its_digest(workspace: Path) -> None:
    first, second = await asyncio.to_thread(lambda: (planned(workspace, "1"), planned(workspace, "2")))
    target = terraform_target(workspace)
    assert await target.read_back(first) is None
    assert "terraform_data.a will be created" in await target.plan(first.change)
    applied = await target.apply(first)
    assert applied is not None
    assert await target.apply(first) == applied
    assert await target.read_back(first) == applied
    with pytest.raises(FinalError, match="Saved plan is stale"):
        await target.apply(second)
    with pytest.raises(UnknownOutcomeError, match="changed since the plan was made"):
        await target.read_back(second)


async def test_terraform_plan_that_was_changed_or_is_missing_is_not_applied(workspace: Path) -> None:
    one = await asyncio.to_thread(planned, workspace, "1")
    [stored] = (workspace / "plans").iterdir()
    content = stored.read_bytes()
    stored.write_bytes(content[:200] + b"zz" + content[202:])
    with pytest.raises(FinalError, match="has another digest"):
        await terraform_target(workspace).apply(one)
    stored.unlink()
    with pytest.raises(RetryableError, match="is not there"):
        await terraform_target(workspace).apply(one)
    with pytest.raises(FinalError, match="no sha256"):
        await terraform_target(workspace).apply(
            release("terraform-plan/x", b'{"sha256": "../../etc/passwd"}')
        )
