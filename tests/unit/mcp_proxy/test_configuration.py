"""The file of the MCP proxy: each fault is named."""

from pathlib import Path

import pytest

from assent.mcp_proxy.configuration import read_mcp_file
from assent.mcp_proxy.listening import tokens_of
from assent.process_settings import SettingsError

GOOD = """
type = "tool-call"
[server]
command = ["server"]
[[agents]]
name = "copilot"
"""


def read(tmp_path: Path, text: str) -> None:
    path = tmp_path / "mcp.toml"
    path.write_text(text)
    tokens_of(read_mcp_file(path))


def test_good_file_is_read(tmp_path: Path) -> None:
    read(tmp_path, GOOD)


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ('"tool-call"', '"Tool"', "type: 'Tool' is not the name of a resource type."),
        ('command = ["server"]', "", "server: it needs either command or url."),
        ('command = ["server"]', "command = []", "server.command: it is empty."),
        ('command = ["server"]', 'url = "http://example.com"', "server.url: it must begin with https://"),
        ('command = ["server"]', 'url = "https://u:p@example.com"', "server.url: it must begin with https://"),
        ('"copilot"', '"Co pilot"', "agents: 'Co pilot' is not a name"),
        ('"copilot"', '"copilot"\ntoken_file = "t"', "token_file is for agents over HTTP"),
        ("[[agents]]", '[[agents]]\nname = "two"\n[[agents]]', "without [http] there is one agent."),
        ("[server]", 'passes = { read = "yes" }\n[server]', "passes: 'read' needs the SHA-256"),
        ("[server]", "within_days = 31\n[server]", "within_days: 31 is not more than 0 and at most 30."),
        ("[server]", "call_s = nan\n[server]", "call_s: it must be more than 0."),
        ("[server]", 'justification = "{x}"\n[server]', "justification: it may have the places"),
        ("[server]", "[http]\nport = 1\n[server]", "token_file is for agents over HTTP, and needed there."),
        ("[server]", "typo = 1\n[server]", "unknown field `typo`"),
    ],
)  # fmt: skip
def test_each_fault_is_named(tmp_path: Path, old: str, new: str, fault: str) -> None:
    with pytest.raises(SettingsError) as refused:
        read(tmp_path, GOOD.replace(old, new))
    assert fault in str(refused.value)


@pytest.mark.parametrize(
    ("first", "second", "fault"),
    [
        ("c" * 40, "c" * 40, "have the same token"),
        ("c" * 31, "d" * 40, "a token has at least 32 characters"),
        ("", "d" * 40, "is empty, or has more than"),
        ("c" * 20 + "\n" + "c" * 20, "d" * 40, "is not one line of ASCII"),
    ],
)
def test_tokens_are_long_and_each_is_one_agents(tmp_path: Path, first: str, second: str, fault: str) -> None:
    (tmp_path / "one").write_text(first)
    (tmp_path / "two").write_text(second)
    text = GOOD.replace("[server]", "[http]\nport = 1\n[server]").replace(
        "[[agents]]", '[[agents]]\nname = "other"\ntoken_file = "two"\n[[agents]]\ntoken_file = "one"'
    )
    with pytest.raises(SettingsError, match=fault):
        read(tmp_path, text)
