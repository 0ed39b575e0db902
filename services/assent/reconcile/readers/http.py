"""A list of objects that an HTTP API answers, with their versions."""

import asyncio
from collections.abc import Callable
from typing import Any

import httpx

from assent.applier.targets.http.connection import HttpConnection, TokenError
from assent.applier.targets.http.table import HttpTable
from assent.applier.targets.json_pointers import NOTHING, value_at
from assent.applier.targets.secrets import SecretError
from assent.reconcile.applied_requests import AppliedRequest, AppliedRequests
from assent.reconcile.comparison import Shown, differences
from assent.reconcile.configuration import HttpListing
from assent.reconcile.known_findings import Finding, KnownFindings
from assent.reconcile.readers.reader import UnreadableTargetError
from assent.reconcile.target_text import name_text, version_text
from assent.targets.addresses import PrivateAddressError, UnresolvedError
from assent_contracts.client.handler import FinalError
from assent_contracts.resources import is_resource


class HttpReader:
    """One list."""

    def __init__(self, table: HttpListing, timeout_s: float, objects_max: int) -> None:
        """Raises OSError and SSLError of the certificates."""
        self._table = table
        self._timeout_s = timeout_s
        self._objects_max = objects_max
        self._connection = HttpConnection(_connection_table(table))
        self._shown: dict[str, Shown] = {}

    async def read(self, applied: AppliedRequests) -> None:
        """Read all pages."""
        del applied
        try:
            async with asyncio.timeout(self._timeout_s):
                self._shown = await self._pages()
        except (SecretError, TokenError, FinalError) as error:
            raise UnreadableTargetError(str(error)) from error
        except (
            httpx.HTTPError,
            httpx.InvalidURL,
            PrivateAddressError,
            UnresolvedError,
            TimeoutError,
        ) as error:
            msg = f"The list cannot be read: {self._connection.without_secrets(str(error)[:200])}"
            raise UnreadableTargetError(f"{msg} ({type(error).__name__})") from error

    async def findings(
        self, applied: AppliedRequests, known: KnownFindings, of_type: Callable[[str], bool]
    ) -> list[Finding]:
        """The objects that are not as they were applied."""

        def concerns(resource: str) -> bool:
            return resource.startswith(f"{self._table.type}/") and of_type(resource)

        return list(differences(self._shown, applied, known, self._matches, of_type=concerns))

    async def keep_position(self) -> None:
        """A list has no history."""

    async def close(self) -> None:
        """Close all connections."""
        await self._connection.close()

    async def _pages(self) -> dict[str, Shown]:
        shown: dict[str, Shown] = {}
        url: str | None = self._table.url
        for _ in range(self._table.pages_max):
            answer = await self._connection.send("GET", httpx.URL(url), key="", headers={}, body=None)
            if answer.status != httpx.codes.OK:
                msg = f"The list cannot be read: the target answered with status {answer.status}."
                raise UnreadableTargetError(msg)
            self._add(answer.json, shown)
            found = NOTHING if self._table.next is None else value_at(answer.json, self._table.next)
            if not isinstance(found, str) or not found:
                return shown
            url = str(httpx.URL(url).join(found))
        msg = f"The list has more than {self._table.pages_max:,} pages."
        raise UnreadableTargetError(msg)

    def _add(self, document: Any, shown: dict[str, Shown]) -> None:
        items = value_at(document, self._table.items)
        if not isinstance(items, list):
            msg = f"The answer has no list at {self._table.items!r}, or is too large."
            raise UnreadableTargetError(msg)
        for item in items:
            resource = f"{self._table.type}/{_scalar(item, self._table.object)}"
            version = _scalar(item, self._table.version or self._table.digest or "")
            if not is_resource(resource) or version is None:
                msg = f"The list has an item whose id or version cannot be read: {resource[:80]!r}."
                raise UnreadableTargetError(msg)
            if resource in shown:
                msg = f"The list has {resource} twice."
                raise UnreadableTargetError(msg)
            by = None if self._table.by is None else _scalar(item, self._table.by)
            shown[resource] = Shown(version_text(version), name_text(by))
            if len(shown) > self._objects_max:
                msg = f"The list has more than {self._objects_max:,} items."
                raise UnreadableTargetError(msg)

    def _matches(self, version: str, request: AppliedRequest) -> bool | None:
        if self._table.digest is not None:
            return version == request.digest
        return None if request.version is None else version == version_text(request.version)


def _scalar(item: Any, pointer: str) -> str | None:
    """A text or a whole number at a pointer, as text; None if something else is there."""
    found = value_at(item, pointer)
    if isinstance(found, str):
        return found
    return str(found) if isinstance(found, int) and not isinstance(found, bool) else None


def _connection_table(table: HttpListing) -> HttpTable:
    """The same way to the target as an applier's."""
    return HttpTable(
        hosts=table.hosts,
        steps=(),
        bearer=table.bearer,
        secret_headers=table.secret_headers,
        oauth=table.oauth,
        plain_http=table.plain_http,
        private_addresses=table.private_addresses,
        ca_file=table.ca_file,
        request_timeout_s=table.request_timeout_s,
        answer_max_kib=table.answer_max_kib,
    )
