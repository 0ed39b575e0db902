"""npm's oidc-provider as a program that tests start (0.4 s): a real provider that misbehaves on request."""

import asyncio
import os
import shutil
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import httpx
from joserfc import jwt
from joserfc.jwk import KeyParameters, RSAKey

from assent_contracts.client.publisher import now_ms
from tests.support.npm_packages import NODE, installed
from tests.support.services import dies_with_us
from tests.support.stack import until

_HERE: Final = Path(__file__).parent


def _beside_modules(folder: Path) -> Path:
    """The program in a folder where it finds its modules, which must be next to it."""
    modules = folder / "node_modules"
    if not modules.exists():
        modules.symlink_to(installed(_HERE, "oidc-provider") / "node_modules")
    return Path(shutil.copy(_HERE / "provider.mjs", folder))


class Misbehaving:
    """A running provider, and the tests' instructions to it."""

    def __init__(self, port: int, callback: str, folder: Path) -> None:
        """`callback`: where its only client for people is redirected."""
        self.issuer = f"http://localhost:{port}"
        self._arguments = [str(port), callback]
        self._folder = folder
        self._log = folder / "provider.log"
        self._process: subprocess.Popen[bytes] | None = None
        self.http = httpx.AsyncClient(base_url=self.issuer, timeout=10, trust_env=False)

    async def start(self) -> None:
        """Start it, also again after `stop`: then with a new key."""
        program = await asyncio.to_thread(_beside_modules, self._folder)
        self._process = self._popen(program)
        await until(self._is_ready)

    def _popen(self, program: Path) -> subprocess.Popen[bytes]:
        kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        with self._log.open("ab") as log:
            return subprocess.Popen(
                [*dies_with_us(), str(NODE), str(program), *self._arguments],
                env=kept,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    async def stop(self) -> None:
        """Stop it: its address no longer answers."""
        if self._process is not None:
            self._process.kill()
            await asyncio.to_thread(self._process.wait)
            self._process = None

    async def close(self) -> None:
        """Stop it for good."""
        await self.stop()
        await self.http.aclose()

    async def _is_ready(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, self._log.read_text()
        try:
            return (await self.http.get("/.well-known/openid-configuration")).status_code == 200
        except httpx.TransportError:
            return False

    async def rotate(self, *, keep: bool) -> None:
        """Sign with a new key; `keep`: the old one stays published."""
        await self.http.post("/_test/rotate", data={"keep": "yes" if keep else "no"})

    async def answer_with(self, id_token: str) -> None:
        """The next token response carries this id_token."""
        (await self.http.post("/_test/next", data={"id_token": id_token})).raise_for_status()

    async def seen(self) -> dict[str, Any]:
        """`tokens`: the token requests so far; `keys`: how often its keys were fetched."""
        return (await self.http.get("/_test/seen")).json()

    async def key(self) -> RSAKey:
        """The private key that it signs with now."""
        return RSAKey.import_key((await self.http.get("/_test/key")).json())

    async def signed(self, claims: dict[str, Any], **header: Any) -> str:
        """A token with exactly these claims, signed by the provider."""
        key = await self.key()
        return jwt.encode({"alg": "RS256", "kid": key.kid, **header}, claims, key, algorithms=["RS256"])

    async def token(self, client: str, audience: str = "assent") -> str:
        """An access token of a machine, by the client-credentials grant."""
        answer = await self.http.post(
            "/token",
            data={"grant_type": "client_credentials", "resource": f"urn:{audience}", "scope": "api"},
            auth=(client, f"{client}-secret"),
        )
        return answer.raise_for_status().json()["access_token"]


def other_key() -> RSAKey:
    """A key that the provider does not have."""
    named: KeyParameters = {"kid": "stranger", "use": "sig", "alg": "RS256"}
    return RSAKey.generate_key(2048, named)


def now_s() -> int:
    """Seconds since 1970."""
    return now_ms() // 1_000


@asynccontextmanager
async def misbehaving(port: int, callback: str, folder: Path) -> AsyncIterator[Misbehaving]:
    """A provider on this port of loopback. Ends with this process at the latest."""
    provider = Misbehaving(port, callback, folder)
    try:
        await provider.start()
        yield provider
    finally:
        await provider.close()
