"""Intune on Graph, as it behaves: no idempotency, lists in pages, /assign replaces, and its own approval."""

import base64
import uuid
from typing import Any

from tests.support.http_standin import Asked, Reply

_SCRIPTS = "/beta/deviceManagement/deviceManagementScripts"
_APPS = "/beta/deviceAppManagement/mobileApps"
_PAGE = 2


class Graph:
    """The API. `protected`: a second administrator must approve, which an application cannot ask for by
    itself.
    """

    def __init__(self, *, refused_with: int = 412) -> None:
        self.scripts: dict[str, dict[str, Any]] = {}
        self.apps: dict[str, dict[str, Any]] = {}
        """Win32 apps. `versions` is what was uploaded, by number, and in no answer."""
        self.tokens: set[str] = set()
        self.protected = False
        self.url = ""
        self._refused_with = refused_with
        self._modified = 0

    def __call__(self, asked: Asked) -> Reply:
        path, _, query = asked.path.partition("?")
        if path == "/TENANT/oauth2/v2.0/token":
            self.tokens.add(f"token-{len(self.tokens)}")
            return Reply(200, {"access_token": f"token-{len(self.tokens) - 1}", "expires_in": 3599})
        if asked.headers.get("authorization", "").removeprefix("Bearer ") not in self.tokens:
            return _error(401, "InvalidAuthenticationToken", "no token")
        if asked.method != "GET" and self.protected:
            code = str(uuid.uuid4())
            said = f"Approval Required. x-msft-approval-code: {code}"
            return Reply(
                self._refused_with,
                {"error": {"code": "BadRequest", "message": said}},
                {"x-msft-approval-code": code},
            )
        if path.startswith(_APPS):
            return self._app(asked, path.removeprefix(_APPS).strip("/"), query)
        name, _, action = path.removeprefix(_SCRIPTS).strip("/").partition("/")
        if action == "assign":
            self.scripts[name]["assignments"] = asked.body["deviceManagementScriptAssignments"]
            return Reply(200)
        return self._collection(asked, query) if not name else self._one(asked, name)

    def _collection(self, asked: Asked, query: str) -> Reply:
        if asked.method == "POST":
            made = {**asked.body, "id": str(uuid.uuid4()), "lastModifiedDateTime": self._now()}
            base64.b64decode(made["scriptContent"], validate=True)
            self.scripts[made["id"]] = made
            return Reply(201, made)
        listed = [{**each, "scriptContent": None} for each in self.scripts.values()]
        return self._page(_SCRIPTS, listed, query)

    def _one(self, asked: Asked, name: str) -> Reply:
        found = self.scripts.get(name)
        if found is None:
            return _error(404, "NotFound", "Resource not found")
        if asked.method == "PATCH":
            found.update(asked.body, lastModifiedDateTime=self._now())
        if asked.method == "DELETE":
            del self.scripts[name]
            return Reply(204)
        return Reply(200, found)

    def _app(self, asked: Asked, rest: str, query: str) -> Reply:
        name, _, action = rest.partition("/")
        if not name:
            return self._page(_APPS, list(self.apps.values()), query)
        found = self.apps.get(name)
        if found is None:
            return _error(404, "NotFound", "Resource not found")
        if action == "assign":
            found["assignments"] = asked.body["mobileAppAssignments"]
            found["lastModifiedDateTime"] = self._now()
            return Reply(200)
        if action:
            number = action.removeprefix("microsoft.graph.win32LobApp/contentVersions/").removesuffix(
                "/files"
            )
            if number not in found["versions"]:
                return _error(404, "NotFound", "Resource not found")
            return Reply(
                200, {"value": [{"size": found["versions"][number], "uploadState": "commitFileSuccess"}]}
            )
        if asked.method == "PATCH":
            found.update(asked.body, lastModifiedDateTime=self._now())
        return Reply(200, {key: value for key, value in found.items() if key != "versions"})

    def _page(self, path: str, all_of_them: list[dict[str, Any]], query: str) -> Reply:
        begin = int(query.partition("skip=")[2] or 0)
        page: dict[str, Any] = {"value": all_of_them[begin : begin + _PAGE]}
        if begin + _PAGE < len(all_of_them):
            page["@odata.nextLink"] = f"{self.url}{path}?skip={begin + _PAGE}"
        return Reply(200, page)

    def _now(self) -> str:
        self._modified += 1
        return f"2026-01-01T00:00:{self._modified:02}Z"


def _error(status: int, code: str, message: str) -> Reply:
    return Reply(status, {"error": {"code": code, "message": message}})
