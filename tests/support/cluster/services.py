"""The services on a cluster: two of each, each with its own login and its own port for health."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from assent.local.ports import HeldPort, hold_port
from tests.support.cluster.cluster import Cluster
from tests.support.services import Running, Services

NAMES: Final = (
    "decider",
    "status",
    "audit",
    "dispatch",
    "notify",
    "coordinator",
    "applier",
    "upstream",
    "gateway",
)
INSTANCES: Final = ("-1", "-2")
_KEYS: Final = {
    "applier": "applier.key",
    "coordinator": "gateway.key",
    "decider": "writer.key",
    "gateway": "gateway.key",
    "upstream": "device-config.key",
}
_UPSTREAM: Final = """\
[[sources]]
kind = "folder"
name = "inbox"
folder = "{folder}"

[sources.mapping]
resource = "script/{{/name}}"
operation = "create"
justification = "{{/name}} was put into the folder."
payload = "{{/content}}"
"""
_FIRST_PORT: Final = 18_801


class ClusterServices:
    """Starts services by name and instance."""

    def __init__(self, cluster: Cluster, services: Services) -> None:
        self._cluster = cluster
        self._services = services
        self._folder = services.folder
        self.target = self._folder / "target"
        """Where both appliers apply changes."""
        self.target.mkdir(exist_ok=True)
        self.inbox = self._folder / "inbox"
        """A file that is put here is submitted by the service `upstream`."""
        self._held: list[HeldPort] = []
        self.ports: dict[str, int] = {}
        """The health port of each service, by its name and instance."""

    def release(self) -> None:
        """Give the ports back."""
        for port in self._held:
            port.release()

    def start(self, name: str, instance: str) -> Running:
        """Start one service."""
        return self._services.start(name, instance, **self.environment(name, instance))

    def environment(self, name: str, instance: str) -> Mapping[str, str]:
        """The environment of one service, in addition to what all have."""
        title = name + instance
        state = self._folder / "state" / title
        state.mkdir(parents=True, exist_ok=True)
        environ = self._cluster.environment(name)
        environ |= {"ASSENT_HTTP_PORT": str(self._port(title)), "ASSENT_STATE": str(state)}
        if name in _KEYS:
            environ["ASSENT_KEY_FILE"] = str(self._cluster.keys / _KEYS[name])
        return environ | self._own(name, title)

    def _own(self, name: str, title: str) -> dict[str, str]:
        match name:
            case "applier":
                return {"ASSENT_TARGET": str(self.target)}
            case "upstream":
                return {"ASSENT_UPSTREAM_FILE": str(self._upstream_file())}
            case "gateway":
                return {"ASSENT_GATEWAY_PORT": str(self._port(f"{title}-public"))}
            case _:
                return {}

    def _upstream_file(self) -> Path:
        """Submits the files that are put into a folder."""
        self.inbox.mkdir(exist_ok=True)
        file = self._folder / "upstream.toml"
        file.write_text(_UPSTREAM.format(folder=self.inbox))
        return file

    def _port(self, title: str) -> int:
        if title not in self.ports:
            usual = _FIRST_PORT + len(self.ports)
            held = hold_port(self._cluster.directory, title, usual=usual)
            self._held.append(held)
            self.ports[title] = held.number
        return self.ports[title]
