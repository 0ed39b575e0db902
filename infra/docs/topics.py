"""The topics, from infra/topics.yaml and contracts/assent_contracts/schemas/asyncapi.yaml."""

from typing import Any, Final

import yaml

from infra.docs.markdown import code, table
from infra.docs.places import ROOT

_WRITERS: Final = {
    "commands": "upstream systems, gateways, the command line, appliers",
    "governanceCommands": "gateways, the command line",
}
_OPERATIONS_OF: Final = {"releaseChanges": "dispatch"}


def _documents() -> tuple[dict[str, Any], dict[str, Any]]:
    topics = yaml.safe_load((ROOT / "infra" / "topics.yaml").read_text(encoding="utf-8"))["topics"]
    asyncapi = ROOT / "contracts/assent_contracts/schemas/asyncapi.yaml"
    return topics, yaml.safe_load(asyncapi.read_text(encoding="utf-8"))


def _writers(asyncapi: dict[str, Any]) -> dict[str, str]:
    """Channel → its writers."""
    writers = dict(_WRITERS)
    for name, operation in asyncapi["operations"].items():
        if operation["action"] == "send":
            channel = operation["channel"]["$ref"].rpartition("/")[2]
            writers[channel] = _OPERATIONS_OF.get(name, "decider") + " only"
    return writers


def page() -> str:
    """The reference page."""
    topics, asyncapi = _documents()
    writers = _writers(asyncapi)
    parts = [
        "# Topics",
        (
            "`assent topics apply` creates these topics and corrects their settings. A broker never creates"
            " them. Topics with N partitions all have the same number, chosen when the log is founded"
            " (embedded: 4; production: 24) and never changed."
        ),
        (
            "A program in any language finds the exact messages, keys and headers in the"
            " [protocol](protocol.md) and in `contracts/assent_contracts/schemas/asyncapi.yaml`."
        ),
    ]
    rows = []
    for channel, said in asyncapi["channels"].items():
        description, _, key = said["description"].partition(" Key: ")
        partitions = topics[said["address"]]["partitions"]
        rows.append(
            (
                code(said["address"]),
                description,
                key.replace("<type>/<id>", "`<type>/<id>`"),
                "N" if partitions == "request" else str(partitions),
                writers[channel],
            )
        )
    parts.append(table(("topic", "content", "key", "partitions", "written by"), rows))
    parts.append("## Settings of each topic")
    for name, topic in topics.items():
        parts.append(f"### `{name}`")
        parts.append(
            table(("setting", "value"), ((code(k), code(str(v))) for k, v in topic["config"].items()))
        )
    parts.append("## Messages")
    for channel in asyncapi["channels"].values():
        messages = [asyncapi["components"]["messages"][name] for name in channel["messages"]]
        rows = [(code(each.get("name", "")), each["summary"]) for each in messages]
        parts += [f"### On `{channel['address']}`", table(("type", "content"), rows)]
    return "\n\n".join(parts) + "\n"
