"""Faults in the MCP proxy: what passes, what is executed, and how often."""

from typing import Final

from tests.faults.fault import Fault

_UNIT: Final = ("tests/unit/mcp_proxy",)
_STACK: Final = ("tests/integration/mcp_proxy",)


def _proxy(breaks: str, file: str, old: str, new: str, tests: tuple[str, ...] = _UNIT) -> Fault:
    return Fault(breaks, f"services/assent/mcp_proxy/{file}.py", old, new, tests)


FAULTS: Final = (
    _proxy(
        "a tool passes by its name, whatever the server made of it",
        "call_rules",
        "    return passing.get(name) == digest\n",
        "    return name in passing\n",
    ),
    _proxy(
        "an approval is for every later call with the same arguments",
        "call_rules",
        "    if not before.fetched:\n",
        "    if not before.fetched or not before.rejected:\n",
    ),
    _proxy(
        "an agent puts a rejected call before people until one approves",
        "call_rules",
        '    return "tell" if before.rejected and recently else "ask"\n',
        '    return "ask"\n',
    ),
    _proxy(
        "a server lists a name twice, and people approve the one tool and it calls the other",
        "tool_definitions",
        "        elif times[name] > 1:\n",
        "        elif times[name] > 2:\n",
    ),
    _proxy(
        "an approved call of a tool that was redefined since is made",
        "execution",
        '        if digest != change["definition"]:\n',
        "        if digest is None:\n",
        _STACK,
    ),
    _proxy(
        "a call that may have been made is made again after a crash",
        "execution",
        "        if call is None or call.called != release.idempotency_key:\n",
        "        if call is None or call.result is None:\n",
        _STACK,
    ),
    _proxy(
        "an agent gets the results of another one",
        "parked_calls",
        "        return call if call is not None and call.agent == agent else None\n",
        "        return call\n",
        _STACK,
    ),
    _proxy(
        "an answer that is not final is taken for a result",
        "tool_server",
        '        if answer.get("resultType", _COMPLETE) != _COMPLETE:\n',
        '        if answer.get("resultType", _COMPLETE) is None:\n',
        _STACK,
    ),
    _proxy(
        "one agent uses up the calls of all",
        "parked_calls",
        "        return sum(each.agent == agent for each in self.open())\n",
        "        return len(self.open())\n",
    ),
)
