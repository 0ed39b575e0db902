"""An API server of Kubernetes with its etcd, on loopback, for dry runs: it has no node and no controller."""

import json
import os
import secrets
import ssl
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any, Final, Self

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from tests.support.gateway import free_port
from tests.support.kube_tools import tool
from tests.support.optional_tools import skip_or_fail

_READY_S: Final = 120.0
_STOP_S: Final = 20.0


class KubeServer:
    """A server that runs while it is entered. Everybody with its token may do everything."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._token = secrets.token_hex(16)
        self._port = free_port()
        self._processes: list[subprocess.Popen[bytes]] = []

    def __enter__(self) -> Self:
        etcd, server = tool("etcd"), tool("kube-apiserver")
        if etcd is None or server is None:
            skip_or_fail("There is no kube-apiserver: `make test-kube` builds it.")
        try:
            self._start(etcd, server)
            self._until_ready()
        except BaseException:
            self.__exit__()
            raise
        return self

    def _start(self, etcd: str, server: str) -> None:
        key = ec.generate_private_key(ec.SECP256R1())
        signing = self._folder / "service-accounts.key"
        signing.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()))
        tokens = self._folder / "tokens.csv"
        tokens.write_text(f'{self._token},admin,1,"system:masters"\n')
        store, peers = (f"http://127.0.0.1:{free_port()}" for _ in range(2))
        self._run(
            "etcd",
            etcd,
            *("--data-dir", str(self._folder / "etcd")),
            *("--listen-client-urls", store, "--advertise-client-urls", store),
            *("--listen-peer-urls", peers, "--initial-advertise-peer-urls", peers),
            *("--initial-cluster", f"default={peers}"),
        )
        self._run(
            "kube-apiserver",
            server,
            *("--etcd-servers", store),
            *("--bind-address", "127.0.0.1", "--advertise-address", "127.0.0.1"),
            *("--secure-port", str(self._port), "--cert-dir", str(self._folder / "certs")),
            *("--service-account-key-file", str(signing), "--service-account-signing-key-file", str(signing)),
            *("--service-account-issuer", "https://kubernetes.default.svc"),
            *("--token-auth-file", str(tokens), "--authorization-mode", "RBAC"),
            *("--service-cluster-ip-range", "10.0.0.0/24", "--endpoint-reconciler-type", "none"),
            # Without controllers no namespace ever gets its default account.
            *("--disable-admission-plugins", "ServiceAccount"),
        )

    def _run(self, name: str, *command: str) -> None:
        with (self._folder / f"{name}.log").open("wb") as log:
            self._processes.append(
                subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=os.environ)
            )

    def _until_ready(self) -> None:
        deadline = time.monotonic() + _READY_S
        while self.ask("GET", "/readyz")[0] != 200:
            log = (self._folder / "kube-apiserver.log").read_text(errors="replace")[-2_000:]
            assert all(each.poll() is None for each in self._processes), log
            assert time.monotonic() < deadline, log
            time.sleep(0.2)

    def __exit__(self, *_: object) -> None:
        for each in reversed(self._processes):
            each.terminate()
            try:
                each.wait(_STOP_S)
            except subprocess.TimeoutExpired:
                each.kill()
                each.wait()

    def ask(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        """The status and the answer; status 0 while it does not answer."""
        context = ssl.create_default_context()
        # A certificate that it made for itself a moment ago, on loopback.
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        request = urllib.request.Request(
            f"https://127.0.0.1:{self._port}{path}",
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"Bearer {self._token}", "Content-Type": "application/json"},
        )
        try:
            with urllib.request.urlopen(request, context=context, timeout=30) as answer:  # noqa: S310
                return answer.status, _decoded(answer.read())
        except urllib.error.HTTPError as error:
            return error.code, _decoded(error.read())
        except OSError:
            return 0, None


def _decoded(content: bytes) -> Any:
    try:
        return json.loads(content)
    except ValueError:
        return content.decode(errors="replace")
