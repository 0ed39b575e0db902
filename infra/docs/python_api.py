"""The Python API of the contracts, from the docstrings of their public names."""

from typing import Final

import griffe

from infra.docs.python_docs import module

MODULES: Final = {
    "assent_contracts.client.upstream": ("connect", "Upstream", "Submitted"),
    "assent_contracts.client.upstream_async": ("connect_async", "AsyncUpstream", "AsyncSubmitted"),
    "assent_contracts.client.request_updates": ("RequestUpdate",),
    "assent_contracts.client.assent_connection": ("RefusedError", "NoKeyError"),
    "assent_contracts.client.applier_process": ("run_applier", "keep_applying"),
    "assent_contracts.client.handler": (
        "Release", "Applied", "RetryableError", "FinalError", "UnknownOutcomeError",
    ),
    "assent_contracts.client.applier": ("Applier",),
    "assent_contracts.client.handled": ("Handled",),
    "assent_contracts.testing.handler_trials": ("a_release", "HandlerTrial", "Killed"),
    "assent_contracts.testing.fake_ledger": ("FakeLedger",),
    "assent_contracts.client.connection": ("Connection",),
    "assent_contracts.client.environment": ("SettingsError",),
    "assent_contracts.client.keys": ("SecretKey", "load_key", "KeyFileError"),
    "assent_contracts.client.follower": ("GovernanceFollower",),
    "assent_contracts.client.publisher": (
        "Publisher", "Decided", "NotDecidedError", "NotPublishedError", "new_command_id", "now_ms", "repeats",
    ),
    "assent_contracts.commands": (
        "SubmitChange", "Approve", "Reject", "Revoke", "Cancel", "Complete", "CloseRequest", "Claim",
        "RenewLease", "ReportOutcome",
    ),
    "assent_contracts.released_change": ("Change", "idempotency_key"),
    "assent_contracts.file_payloads": ("payload_of_file", "file_of_payload"),
}  # fmt: skip


def page() -> str:
    """The reference page."""
    parts = [
        "# Python API",
        (
            "`assent-contracts` holds the messages and the rules; `assent-contracts[kafka]` adds the clients."
            " These are the names that a program needs to [publish changes](../how-to/publish.md) or to"
            " [apply them](../how-to/apply.md). Most are exported by `assent_contracts.client` and"
            " `assent_contracts.testing`."
        ),
    ]
    for name, members in MODULES.items():
        parts.append(f"## `{name}`")
        loaded = module(name)
        for member in members:
            parts += _member(loaded[member])
    return "\n\n".join(parts) + "\n"


def _member(each: griffe.Object | griffe.Alias) -> list[str]:
    if isinstance(each, griffe.Class):
        return _class(each)
    assert isinstance(each, griffe.Function)
    return [f"### `{each.name}`", _signature(each), _doc(each)]


def _class(each: griffe.Class) -> list[str]:
    parts = [f"### `{each.name}`", _doc(each)]
    constructor = each.members.get("__init__")
    if isinstance(constructor, griffe.Function):
        parts += [_signature(constructor, each.name), _doc(constructor)]
    attributes = [
        f"- `{name}: {attribute.annotation}`{_default(attribute)} {_line(attribute)}".rstrip()
        for name, attribute in each.attributes.items()
        if not name.startswith("_") and attribute.annotation is not None
    ]
    if attributes:
        parts.append("\n".join(attributes))
    for name, function in each.functions.items():
        if not name.startswith("_"):
            parts += [f"#### `{each.name}.{name}`", _signature(function), _doc(function)]
    return parts


def _signature(function: griffe.Function, name: str | None = None) -> str:
    parameters = [str(each) for each in _parameters(function)]
    returns = f" -> {function.returns}" if function.returns is not None and name is None else ""
    prefix = "async def " if "async" in function.labels else "def "
    if name is not None:
        prefix = ""
    flat = f"{prefix}{name or function.name}({', '.join(parameters)}){returns}"
    if len(flat) > 90:
        inner = "".join(f"    {each},\n" for each in parameters)
        flat = f"{prefix}{name or function.name}(\n{inner}){returns}"
    return f"```python\n{flat}\n```"


def _parameters(function: griffe.Function) -> list[str]:
    shown: list[str] = []
    keyword_only = griffe.ParameterKind.keyword_only
    for each in function.parameters:
        if each.name == "self":
            continue
        if each.kind is keyword_only and "*" not in shown:
            shown.append("*")
        annotation = "" if each.annotation is None else f": {each.annotation}"
        default = "" if each.default is None else f" = {each.default}"
        shown.append(f"{each.name}{annotation}{default}")
    return shown


def _doc(each: griffe.Object) -> str:
    return each.docstring.value if each.docstring is not None else ""


def _line(each: griffe.Object) -> str:
    return " ".join(_doc(each).split())


def _default(attribute: griffe.Attribute) -> str:
    return f" = `{attribute.value}`." if attribute.value is not None else "."
