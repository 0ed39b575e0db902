"""The calls of Unleash that a flag needs, as they behave: a flag that is switched on without a strategy is
for all.
"""

from typing import Any

from tests.support.http_standin import Asked, Reply

_FEATURES = "/api/admin/projects/default/features"


class Unleash:
    """The API, with the environment `development`."""

    def __init__(self, token: str) -> None:
        self.flags: dict[str, dict[str, Any]] = {}
        self.events = 0
        self._token = token

    def __call__(self, asked: Asked) -> Reply:
        path = asked.path.partition("?")[0]
        if asked.headers.get("authorization") != self._token:
            return Reply(401, {"message": "You must be logged in."})
        if asked.method != "GET":
            self.events += 1
        if path == "/api/admin/search/events":
            return Reply(200, {"events": [{"id": self.events}]})
        name, *rest = path.removeprefix(_FEATURES).strip("/").split("/")
        if not name:
            if asked.body["name"] in self.flags:
                return Reply(409, {"message": "A flag with that name already exists"})
            self.flags[asked.body["name"]] = {"enabled": False, "strategies": [], "description": None}
            return Reply(201, asked.body)
        flag = self.flags.get(name)
        if flag is None:
            return Reply(404, {"name": "NotFoundError", "message": f"Could not find feature toggle {name}"})
        return self._of_flag(asked, name, flag, rest)

    def _of_flag(self, asked: Asked, name: str, flag: dict[str, Any], rest: list[str]) -> Reply:
        match asked.method, rest:
            case "GET", []:
                return Reply(200, {"name": name, "project": "default", "description": flag["description"]})
            case "PATCH", []:
                flag["description"] = asked.body[0]["value"]
                return Reply(200, {"name": name})
            case "DELETE", []:
                del self.flags[name]
                return Reply(202)
            case "GET", ["environments", "development"]:
                return Reply(200, {"enabled": flag["enabled"], "strategies": flag["strategies"]})
            case "POST", ["environments", "development", "strategies"]:
                flag["strategies"].append({"id": f"s{len(flag['strategies'])}", **asked.body})
                return Reply(200, flag["strategies"][-1])
            case "PUT", ["environments", "development", "strategies", strategy]:
                [found] = [each for each in flag["strategies"] if each["id"] == strategy]
                found.update(asked.body)
                return Reply(200, found)
            case "POST", ["environments", "development", "on" | "off" as switch]:
                if switch == "on" and not flag["strategies"]:
                    flag["strategies"].append(
                        {"id": "all", "name": "flexibleRollout", "parameters": {"rollout": "100"}}
                    )
                flag["enabled"] = switch == "on"
                return Reply(200)
            case _:
                return Reply(400)
