"""The chart renders valid manifests, which keep to the rules that a cluster's operators ask for."""

import re
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

import pytest

from infra.docs.settings import REQUIRED
from tests.support.chart import CHART, VALUES, Manifest, from_values, helm, manifests, rendered
from tests.support.optional_tools import skip_or_fail

pytestmark = pytest.mark.kube

_WORKLOADS: Final = ("Deployment", "StatefulSet", "Job")
_ALL: Final = pytest.mark.parametrize("name", sorted(VALUES))


def _workloads(name: str) -> Iterator[Manifest]:
    return (each for each in manifests(name) if each["kind"] in _WORKLOADS)


def _pod(workload: Manifest) -> dict[str, Any]:
    return workload["spec"]["template"]["spec"]


def _component(manifest: Manifest) -> str:
    return manifest["metadata"]["labels"]["app.kubernetes.io/component"]


@_ALL
def test_chart_has_no_fault_that_helm_lint_finds(name: str) -> None:
    done = helm("lint", "--strict", *from_values(VALUES[name]))
    assert done.returncode == 0, done.stdout


@_ALL
def test_manifests_have_the_fields_and_types_of_kubernetes(name: str, tmp_path: Path) -> None:
    if find_spec("kubernetes_validate") is None:
        skip_or_fail("There is no kubernetes-validate: `make test-kube` installs it.")
    file = tmp_path / "manifests.yaml"
    file.write_text(rendered(name))
    done = subprocess.run(
        [sys.executable, "-m", "kubernetes_validate", "--strict", "--kubernetes-version", "1.36", str(file)],
        capture_output=True,
        text=True,
        check=False,
    )
    said = done.stdout + done.stderr
    assert done.returncode == 0, said
    assert said.count(" passed ") >= len(list(_workloads(name)))


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ("log.identity=short", "/log/identity"),
        ("gateway.publicUrl=http://assent.example", "publicUrl"),
        ("services.decider.replica=3", "replica"),
        ("kafka.strimzi.brokers=2", "minimum: got 2, want 3"),
        ("image.digest=latest", "digest"),
        ("postgres.address=postgresql://me:hush@db/assent", "address"),
    ],
)
def test_wrong_value_is_refused_by_name(setting: str, words: str) -> None:
    done = helm("template", "--set", setting)
    assert done.returncode != 0
    assert words in done.stderr


def test_clusters_that_are_named_nowhere_are_asked_for() -> None:
    done = helm("template", "--set", "kafka.strimzi.enabled=false")
    assert "Set kafka.bootstrap, or kafka.strimzi.enabled" in done.stderr
    done = helm("template", "--set", "postgres.cnpg.enabled=false")
    assert "Set postgres.address, or postgres.cnpg.enabled" in done.stderr


def test_scaling_without_the_postgres_that_it_asks_is_refused() -> None:
    file = VALUES["own clusters"]
    done = helm("template", *from_values(file), "--set", "services.status.autoscaling.enabled=true")
    assert "autoscaling asks the Postgres of postgres.cnpg" in done.stderr


@_ALL
def test_every_container_runs_without_rights_on_a_file_system_that_it_cannot_write(name: str) -> None:
    for workload in _workloads(name):
        pod, where = _pod(workload), workload["metadata"]["name"]
        assert pod["automountServiceAccountToken"] is False, where
        assert pod["securityContext"]["runAsNonRoot"] is True, where
        assert pod["securityContext"]["runAsUser"] > 0, where
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}, where
        assert not any(pod.get(shared) for shared in ("hostNetwork", "hostPID", "hostIPC")), where
        assert not [each for each in pod["volumes"] if "hostPath" in each], where
        for container in pod["containers"]:
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            }, where
            assert container["resources"]["requests"].keys() >= {"cpu", "memory"}, where
            assert "memory" in container["resources"]["limits"], where
            assert not container["image"].endswith(":latest"), where


@_ALL
def test_no_secret_is_in_a_manifest_and_each_is_read_from_a_file(name: str) -> None:
    assert not [each for each in manifests(name) if each["kind"] == "Secret"]
    for workload in _workloads(name):
        [container] = _pod(workload)["containers"]
        mounted = [each["mountPath"] for each in container["volumeMounts"]]
        for variable in container["env"]:
            assert "valueFrom" not in variable, variable
            if variable["name"].endswith("_FILE"):
                path = Path(variable["value"])
                assert any(path.is_relative_to(each) for each in mounted), variable
        for volume in _pod(workload)["volumes"]:
            if "secret" in volume:
                assert volume["secret"]["defaultMode"] in (0o440, 0o444), volume


@_ALL
def test_service_gets_every_setting_that_it_requires(name: str) -> None:
    for workload in _workloads(name):
        if workload["kind"] == "Job":
            continue
        [container] = _pod(workload)["containers"]
        module = container["command"][-1].removeprefix("assent.")
        given = {each["name"] for each in container["env"]}
        assert given >= {"ASSENT_KAFKA", "ASSENT_IDENTITY", *REQUIRED[module]}, _component(workload)
        assert ("ASSENT_STATE" in given) == (workload["kind"] == "StatefulSet"), _component(workload)


def test_every_service_is_installed_once_a_log_is_founded() -> None:
    modules = {
        _pod(each)["containers"][0]["command"][-1]
        for each in _workloads("everything")
        if each["kind"] != "Job"
    }
    assert modules == {f"assent.{name}" for name in REQUIRED if name != "mcp_proxy"}
    assert {each["kind"] for each in _workloads("before a log is founded")} == {"Job"}


def test_probes_ask_the_addresses_that_services_answer() -> None:
    for workload in _workloads("everything"):
        for container in _pod(workload)["containers"]:
            ports = {each["name"]: each["containerPort"] for each in container.get("ports", [])}
            for probe, path in (("startup", "/livez"), ("liveness", "/livez"), ("readiness", "/readyz")):
                if workload["kind"] != "Job":
                    asked = container[f"{probe}Probe"]["httpGet"]
                    assert (asked["path"], ports[asked["port"]]) == (path, 8080), workload["metadata"]


def test_service_with_more_than_one_instance_survives_the_drain_of_a_node() -> None:
    budgets = {
        each["metadata"]["name"]: each
        for each in manifests("everything")
        if each["kind"] == "PodDisruptionBudget"
    }
    for workload in _workloads("everything"):
        name = workload["metadata"]["name"]
        if workload["kind"] == "Job" or workload["spec"].get("replicas") == 1:
            assert name not in budgets
            continue
        assert budgets[name]["spec"]["maxUnavailable"] == 1
        labels = workload["spec"]["template"]["metadata"]["labels"]
        assert budgets[name]["spec"]["selector"]["matchLabels"].items() <= labels.items()
        spread = {each["topologyKey"] for each in _pod(workload)["topologySpreadConstraints"]}
        assert spread == {"topology.kubernetes.io/zone", "kubernetes.io/hostname"}


def test_network_policies_let_a_service_reach_only_what_it_needs() -> None:
    policies = {
        each["metadata"]["name"]: each["spec"]
        for each in manifests("everything")
        if each["kind"] == "NetworkPolicy"
    }
    everything = policies["assent"]
    assert everything["policyTypes"] == ["Ingress", "Egress"]
    assert "app.kubernetes.io/component" not in everything["podSelector"]["matchLabels"]
    [to_names] = everything["egress"]
    assert {each["port"] for each in to_names["ports"]} == {53}
    [expression] = policies["assent-postgres"]["podSelector"]["matchExpressions"]
    assert not {"dispatch", "coordinator", "applier-dns"} & set(expression["values"])
    assert {"status", "audit", "notify", "gateway", "decider", "tables"} <= set(expression["values"])
    assert {each["port"] for each in policies["assent-gateway"]["ingress"][0]["ports"]} == {8700}
    assert "assent-dispatch" not in policies


def test_kafka_keeps_what_was_acknowledged_when_a_zone_is_lost() -> None:
    [kafka] = [each for each in manifests("everything") if each["kind"] == "Kafka"]
    config = kafka["spec"]["kafka"]["config"]
    assert config["min.insync.replicas"] == 2
    assert config["default.replication.factor"] == 3
    assert config["unclean.leader.election.enable"] is False
    assert config["auto.create.topics.enable"] is False
    assert kafka["spec"]["kafka"]["rack"] == {"topologyKey": "topology.kubernetes.io/zone"}
    [listener] = kafka["spec"]["kafka"]["listeners"]
    assert (listener["tls"], listener["authentication"]) == (True, {"type": "scram-sha-512"})
    assert kafka["spec"]["kafka"]["authorization"] == {"type": "simple"}
    pools = [each for each in manifests("everything") if each["kind"] == "KafkaNodePool"]
    assert {tuple(each["spec"]["roles"]) for each in pools} == {("broker",), ("controller",)}
    for each in (kafka, *pools, *(one for one in manifests("everything") if one["kind"] == "Cluster")):
        assert each["metadata"]["annotations"]["helm.sh/resource-policy"] == "keep", each["metadata"]["name"]


def test_only_the_decider_may_write_the_ledgers_and_every_login_has_a_user() -> None:
    users = {
        each["metadata"]["name"]: each for each in manifests("everything") if each["kind"] == "KafkaUser"
    }
    for workload in _workloads("everything"):
        env = {each["name"]: each["value"] for each in _pod(workload)["containers"][0]["env"]}
        assert "ASSENT_KAFKA" not in env or env["ASSENT_KAFKA_SASL_USERNAME"] in users
    for name, user in users.items():
        written = {
            each["resource"]["name"]
            for each in user["spec"]["authorization"]["acls"]
            if "Write" in each["operations"]
        }
        ledgers = written & {"assent.ledger", "assent.governance", "assent.heads"}
        assert not ledgers or name in ("assent-decider", "assent-founder"), name
    assert "assent-founder" not in {
        each["metadata"]["name"]
        for each in manifests("before a log is founded")
        if each["kind"] == "KafkaUser"
    }


def test_every_login_in_postgres_is_in_one_role_alone() -> None:
    [cluster] = [each for each in manifests("everything") if each["kind"] == "Cluster"]
    roles = {each["name"]: each for each in cluster["spec"]["managed"]["roles"]}
    for workload in _workloads("everything"):
        env = {each["name"]: each["value"] for each in _pod(workload)["containers"][0]["env"]}
        if "ASSENT_POSTGRES" in env:
            [login] = re.findall(r"postgresql://(\w+)@", env["ASSENT_POSTGRES"])
            assert login in roles, workload["metadata"]["name"]
            assert "sslmode=verify-full" in env["ASSENT_POSTGRES"]
            [volume] = [each for each in _pod(workload)["volumes"] if each["name"] == "postgres"]
            assert roles[login]["passwordSecret"]["name"] == volume["secret"]["secretName"]
    for name, role in roles.items():
        if name.endswith("_login"):
            [granted] = role["inRoles"]
            assert granted in roles


def test_scaled_services_leave_their_number_to_the_scaler() -> None:
    scaled = {
        each["spec"]["scaleTargetRef"]["name"]
        for each in manifests("everything")
        if each["kind"] == "ScaledObject"
    }
    assert scaled == {"assent-status", "assent-audit", "assent-notify"}
    for workload in _workloads("everything"):
        if workload["kind"] == "Deployment":
            assert ("replicas" in workload["spec"]) == (workload["metadata"]["name"] not in scaled)


def test_chart_is_of_the_version_of_the_product() -> None:
    text = (CHART / "Chart.yaml").read_text(encoding="utf-8")
    project = (CHART.parents[2] / "pyproject.toml").read_text(encoding="utf-8")
    [version] = re.findall(r'^version = "(.*)"$', project, re.MULTILINE)
    assert f"appVersion: {version}\n" in text
