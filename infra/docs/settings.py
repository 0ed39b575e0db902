"""The settings of the services, from the docstrings of the structs that hold them."""

import re
from typing import Final

import msgspec

from assent.process_settings import kafka_variable
from assent_contracts.client.connection import Connection
from infra.docs.markdown import code, table
from infra.docs.python_docs import fields_with_docs

STRUCTS: Final = {
    "Every service": ("assent.process_settings", "ServiceSettings"),
    "Gateway": ("assent.gateway.gateway_settings", "GatewaySettings"),
    "Gateway: event streams": ("assent.gateway.client_limits", "LiveLimits"),
    "Gateway: OpenID Connect": ("assent.gateway.gateway_settings", "OidcSettings"),
    "Notify": ("assent.notify.notify_settings", "NotifySettings"),
    "MCP proxy": ("assent.mcp_proxy.configuration", "McpSettings"),
    "Upstream": ("assent.upstream.configuration", "UpstreamSettings"),
}
REQUIRED: Final = {
    "decider": ("ASSENT_KEY_FILE",),
    "dispatch": (),
    "gateway": ("ASSENT_KEY_FILE", "ASSENT_POSTGRES"),
    "coordinator": ("ASSENT_KEY_FILE",),
    "status": ("ASSENT_POSTGRES",),
    "audit": ("ASSENT_POSTGRES",),
    "notify": ("ASSENT_POSTGRES",),
    "applier": ("ASSENT_KEY_FILE", "ASSENT_STATE", "ASSENT_APPLIER_FILE"),
    "reconcile": ("ASSENT_KEY_FILE", "ASSENT_STATE", "ASSENT_RECONCILE_FILE"),
    "upstream": ("ASSENT_KEY_FILE", "ASSENT_POSTGRES", "ASSENT_UPSTREAM_FILE"),
    "mcp_proxy": ("ASSENT_KEY_FILE", "ASSENT_STATE", "ASSENT_MCP_FILE"),
}
"""What each service requires besides ASSENT_KAFKA and ASSENT_IDENTITY."""
_VARIABLE: Final = re.compile(r"(ASSENT_\w+): (.*)", re.DOTALL)
_DEFAULT: Final = re.compile(r" ?Default: `([^`]*)`\.")


class Setting(msgspec.Struct, frozen=True):
    """One environment variable."""

    variable: str
    text: str
    default: str = ""


def settings_of(title: str) -> list[Setting]:
    """The settings under one heading of the page: fields whose docstring begins with a variable."""
    texts = " ".join(fields_with_docs(*STRUCTS[title]).values())
    found = [_VARIABLE.fullmatch(text) for text in re.split(r" +(?=ASSENT_\w+: )", texts.strip())]
    return [_setting(match[1], match[2]) for match in found if match is not None]


def kafka_settings() -> list[Setting]:
    """How the services reach Kafka."""
    documented = fields_with_docs("assent_contracts.client.connection", "Connection")
    return [
        Setting(
            kafka_variable(field.name),
            documented[field.name] + (" A file that holds it." if field.name == "sasl_password" else ""),
            "" if field.default in (None, msgspec.NODEFAULT) else str(field.default),
        )
        for field in msgspec.structs.fields(Connection)
    ]


def _setting(variable: str, text: str) -> Setting:
    default = _DEFAULT.search(text)
    text = _DEFAULT.sub("", text)
    return Setting(variable, text[:1].upper() + text[1:], default[1] if default else "")


def _table(settings: list[Setting]) -> str:
    return table(
        ("variable", "meaning", "default"),
        ((code(each.variable), each.text, code(each.default)) for each in settings),
    )


def _of_governance() -> str:
    documented = fields_with_docs("assent_contracts.governance_objects", "Settings")
    from assent_contracts.governance_objects import Settings

    rows = [
        (code(field.name), documented[field.name], code(msgspec.json.encode(field.default).decode()))
        for field in msgspec.structs.fields(Settings)
    ]
    return table(("setting", "meaning", "default"), rows)


def page() -> str:
    """The reference page."""
    parts = [
        "# Settings",
        (
            "A service reads its settings from environment variables when it starts. Every setting that is"
            " missing or wrong is reported on a line of its own, and the service exits with 2."
            " `python -m assent.SERVICE --check-config` only checks them, with the configuration file that"
            " they name and the secrets in there. `--check-file` checks the file without the other settings."
        ),
        (
            "Secrets are read from files. Such a file has at most 16 KiB, and line breaks at its end do not"
            " count. The database's address can be a value, if the password is in a file."
        ),
        "## What each service requires",
        table(
            ("service", "requires, besides `ASSENT_KAFKA` and `ASSENT_IDENTITY`"),
            ((code(name), ", ".join(map(code, each)) or "nothing more") for name, each in REQUIRED.items()),
        ),
        (
            "Instead of `ASSENT_APPLIER_FILE` the applier accepts `ASSENT_TARGET`. Instead of"
            " `ASSENT_POSTGRES` every service accepts `ASSENT_POSTGRES_FILE`."
        ),
        "## Kafka",
        "Every service reads these.",
        _table(kafka_settings()),
    ]
    for title in STRUCTS:
        parts += [f"## {title}", _table(settings_of(title))]
    parts += [
        "## Traces",
        _table(
            [
                Setting(
                    "OTEL_EXPORTER_OTLP_ENDPOINT",
                    "Where spans are sent (OTLP over HTTP). Without it, nowhere.",
                )
            ]
        ),
        "## Local stack and command line",
        "The [command line](cli.md) lists its own variables with each command.",
        _table(
            [Setting("ASSENT_CACHE", "The folder in which the embedded Kafka's jars are kept between runs.")]
        ),
        "## Settings of the log",
        (
            "These are kept in the log and not in the environment: `assent settings show` prints them,"
            " `assent settings set` changes them. Times are in milliseconds. To loosen a setting needs the"
            " approval of a second administrator."
        ),
        _of_governance(),
    ]
    return "\n\n".join(parts) + "\n"
