"""The file of the MCP proxy, ASSENT_MCP_FILE: the server behind it, its agents, the tools that pass."""

import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import msgspec

from assent.configuration_file import read_checked
from assent.mcp_proxy.tool_definitions import is_tool_name
from assent.process_settings import SettingsError, need, read_secret_file
from assent_contracts.resources import is_type_name

FILE: Final = "ASSENT_MCP_FILE"
SECRET_MIN_CHARS: Final = 32
_DIGEST: Final = re.compile(r"[0-9a-f]{64}")
_AGENT_NAME: Final = re.compile(r"[a-z][a-z0-9-]{0,63}")
_DAYS_MAX: Final = 30.0


class ServerBehind(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The MCP server that has the tools: a program, or an address."""

    command: list[str] | None = None
    """The program and its arguments. It speaks MCP on its standard input and output."""
    environment: dict[str, str] = {}
    """Its variables. Of those of the proxy it gets HOME, LOGNAME, PATH, SHELL, TERM and USER only."""
    folder: Path | None = None
    """The folder in which the program runs."""
    url: str | None = None
    """The address of its streamable HTTP endpoint, https."""
    token_file: Path | None = None
    """A file with the bearer token for that address."""


class Agent(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A client in front of the proxy."""

    name: str
    """Its name, `[a-z][a-z0-9-]{0,63}`. It is part of the object of each of its calls."""
    on_behalf_of: str | None = None
    """R20: the account of the person for whom the agent works. That person cannot approve its calls."""
    token_file: Path | None = None
    """Over HTTP: a file with the bearer token by which the agent is known, at least 32 characters."""


class HttpPort(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where agents connect. TLS is for the reverse proxy in front of it."""

    port: int
    host: str = "127.0.0.1"
    names: list[str] = []
    """The values of the Host header that are accepted besides those of this machine, with their ports."""


class McpFile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The content of the file."""

    type: str
    """The resource type of the calls. The account of this proxy must be its only applier."""
    server: ServerBehind
    agents: list[Agent]
    http: HttpPort | None = None
    """Without it, the proxy serves one agent on its standard input and output."""
    passes: dict[str, str] = {}
    """The tools that need no approval, each with the SHA-256 (hex) of its definition, as `--list-tools`
    prints it. A tool whose definition is another one waits for approval."""
    justification: str = "The agent {agent} asks to call the tool {tool}."
    """The justification of each request. `{agent}` and `{tool}` are replaced."""
    console: str | None = None
    """The address of the console, for the links in answers."""
    applier_key_file: Path | None = None
    """The key of the account that claims and reports. By default the one that submits, ASSENT_KEY_FILE."""
    within_days: float = 7.0
    """How long after a call it may still be released. Then it ends without being made."""
    rejected_hours: float = 24.0
    """How long a rejection also answers the next call with the same arguments."""
    keep_days: float = 30.0
    """How long the result of a call can be fetched."""
    call_s: float = 300.0
    """How long the server may take for a call. Then its outcome is unknown."""

    def agent(self, name: str) -> Agent | None:
        """The agent with this name."""
        return next((each for each in self.agents if each.name == name), None)


class McpSettings(msgspec.Struct, frozen=True, kw_only=True):
    """The settings of the MCP proxy, besides those of every service."""

    file: Path
    """ASSENT_MCP_FILE: the file with the server, the agents and the tools that pass. Required."""


def read_mcp_settings(environ: Mapping[str, str] = os.environ) -> McpSettings:
    """The settings of this process. Raises SettingsError."""
    return McpSettings(file=Path(need(environ.get(FILE) or None, FILE)))


def read_mcp_file(path: Path) -> McpFile:
    """The file, checked. Raises SettingsError, which names each fault on a line."""
    return read_checked(path, McpFile, _faults, variable=FILE)


def read_token(path: Path) -> str:
    """The token in a file, one line of ASCII. Raises SettingsError."""
    token = read_secret_file(path, "token_file")
    if not (token.isascii() and token.isprintable()):
        raise SettingsError(f"token_file: {path} is not one line of ASCII.")
    return token


def _faults(file: McpFile) -> Iterator[str]:
    if not is_type_name(file.type):
        yield f"type: {file.type!r} is not the name of a resource type."
    yield from _server_faults(file.server)
    yield from _agent_faults(file)
    for name, digest in file.passes.items():
        if not is_tool_name(name) or _DIGEST.fullmatch(digest) is None:
            yield f"passes: {name[:80]!r} needs the SHA-256 of its definition, as --list-tools prints it."
    if not 0 < file.within_days <= _DAYS_MAX:
        yield f"within_days: {file.within_days:g} is not more than 0 and at most {_DAYS_MAX:g}."
    for field in ("rejected_hours", "keep_days", "call_s"):
        if not getattr(file, field) > 0:
            yield f"{field}: it must be more than 0."
    try:
        file.justification.format(agent="a", tool="t")
    except (LookupError, ValueError):
        yield "justification: it may have the places {agent} and {tool}, and no others."


def _server_faults(server: ServerBehind) -> Iterator[str]:
    if (server.command is None) == (server.url is None):
        yield "server: it needs either command or url."
    if server.command == []:
        yield "server.command: it is empty."
    if server.url is not None and not _is_safe(server.url):
        yield "server.url: it must begin with https://, or lead to this machine."


def _agent_faults(file: McpFile) -> Iterator[str]:
    names = [each.name for each in file.agents]
    if len(set(names)) != len(names):
        yield "agents: two have the same name."
    for each in file.agents:
        if _AGENT_NAME.fullmatch(each.name) is None:
            yield f"agents: {each.name[:80]!r} is not a name: use a-z, 0-9 and -."
        if (each.token_file is None) == (file.http is not None):
            yield f"agents: {each.name}: token_file is for agents over HTTP, and needed there."
    if file.http is None and len(names) != 1:
        yield "agents: without [http] there is one agent."
    if not names:
        yield "agents: there is none."


def _is_safe(url: str) -> bool:
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    if parts.username is not None or parts.password is not None:
        return False
    return parts.scheme == "https" or (
        parts.scheme == "http" and parts.hostname in ("127.0.0.1", "::1", "localhost")
    )
