"""Which tools of a server are offered, and when a definition is another one."""

from typing import Any

import pytest

from assent.mcp_proxy.tool_definitions import DEFINITION_MAX_BYTES, TOOLS_MAX, definition_digest, offered


def tool(name: str = "read", **fields: Any) -> dict[str, Any]:
    return {"name": name, "description": "Reads.", "inputSchema": {"type": "object"}, **fields}


def test_name_that_is_listed_twice_is_not_offered_at_all() -> None:
    found = offered([tool(), tool(description="Deletes."), tool("write")])
    assert list(found.by_name) == ["write"]
    assert found.left_out == ("read is listed 2 times.",)


@pytest.mark.parametrize("name", ["", "a b", "a/b", "réad", "x" * 129, "read\n"])
def test_odd_name_is_not_offered(name: str) -> None:
    assert offered([tool(name)]).by_name == {}


def test_definition_and_list_have_limits() -> None:
    assert offered([tool(description="x" * DEFINITION_MAX_BYTES)]).by_name == {}
    found = offered(tool(f"t{number}") for number in range(TOOLS_MAX + 1))
    assert len(found.by_name) == TOOLS_MAX
    assert len(found.left_out) == 1


@pytest.mark.parametrize(
    "other",
    [
        tool(description="Reads!"),
        tool(inputSchema={"type": "object", "required": ["x"]}),
        tool(annotations={"readOnlyHint": True}),
        tool("write"),
    ],
)
def test_any_difference_is_another_definition(other: dict[str, Any]) -> None:
    assert definition_digest(other) != definition_digest(tool())


def test_what_may_differ_at_each_listing_does_not_count() -> None:
    assert definition_digest(tool(_meta={"at": 1})) == definition_digest(tool())
    assert offered([tool()]).digest("read") == definition_digest(tool())
    assert offered([tool()]).digest("other") is None
