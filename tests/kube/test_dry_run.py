"""A real API server accepts every manifest of the chart in a strict dry run, and refuses unknown fields.

The resources of Strimzi, CloudNativePG and KEDA are checked too where `ASSENT_TEST_CRDS` names a folder with
their CustomResourceDefinitions (YAML files). They are not part of this repository.
"""

import copy
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from tests.support.chart import NAMESPACE, VALUES, Manifest, manifests
from tests.support.kube_server import KubeServer

pytestmark = [pytest.mark.kube, pytest.mark.timeout(300)]

_SERVED_S: Final = 60.0
_STRICT: Final = "dryRun=All&fieldValidation=Strict"
_DEFINITIONS: Final = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KubeServer]:
    with KubeServer(tmp_path_factory.mktemp("kube")) as running:
        code, answer = running.ask(
            "POST", "/api/v1/namespaces", {"kind": "Namespace", "metadata": {"name": NAMESPACE}}
        )
        assert code == 201, answer
        _define(running)
        yield running


def _define(server: KubeServer) -> None:
    folder = os.environ.get("ASSENT_TEST_CRDS")
    for file in sorted(Path(folder).glob("*.yaml")) if folder else ():
        for definition in yaml.safe_load_all(file.read_text(encoding="utf-8")):
            code, answer = server.ask("POST", _DEFINITIONS, definition)
            assert code == 201, answer
            versions = [each["name"] for each in definition["spec"]["versions"] if each["served"]]
            for version in versions:
                _until_served(server, definition["spec"], version)


def _until_served(server: KubeServer, definition: Any, version: str) -> None:
    deadline = time.monotonic() + _SERVED_S
    while True:
        code, known = server.ask("GET", f"/apis/{definition['group']}/{version}")
        if code == 200 and definition["names"]["kind"] in {each["kind"] for each in known["resources"]}:
            return
        assert time.monotonic() < deadline, (code, known)
        time.sleep(0.1)


def _path(server: KubeServer, manifest: Manifest) -> str | None:
    """Where a manifest is created; None for a kind that this server does not know."""
    version = manifest["apiVersion"]
    root = f"/apis/{version}" if "/" in version else f"/api/{version}"
    code, known = server.ask("GET", root)
    kinds = (
        {each["kind"]: each["name"] for each in known["resources"] if "/" not in each["name"]}
        if code == 200
        else {}
    )
    name = kinds.get(manifest["kind"])
    return None if name is None else f"{root}/namespaces/{NAMESPACE}/{name}?{_STRICT}"


@pytest.mark.parametrize("name", sorted(VALUES))
def test_server_accepts_every_manifest_in_a_strict_dry_run(server: KubeServer, name: str) -> None:
    unknown: set[str] = set()
    for manifest in manifests(name):
        path = _path(server, manifest)
        if path is None:
            unknown.add(manifest["apiVersion"])
            continue
        code, answer = server.ask("POST", path, manifest)
        assert code == 201, (manifest["kind"], manifest["metadata"]["name"], answer)
    definitions = {"kafka.strimzi.io/v1", "postgresql.cnpg.io/v1", "keda.sh/v1alpha1"}
    assert unknown <= (set() if os.environ.get("ASSENT_TEST_CRDS") else definitions)


def test_server_refuses_a_manifest_with_a_field_that_is_not_one(server: KubeServer) -> None:
    [decider] = [
        each
        for each in manifests("everything")
        if each["metadata"]["name"] == "assent-decider" and each["kind"] == "StatefulSet"
    ]
    wrong = copy.deepcopy(decider)
    wrong["spec"]["template"]["spec"]["containers"][0]["readOnlyRootFileSystem"] = True
    path = _path(server, wrong)
    assert path is not None
    code, answer = server.ask("POST", path, wrong)
    assert code == 400
    assert "readOnlyRootFileSystem" in answer["message"]
