"""The configuration of the ready appliers, from the docstrings of the structs that hold it."""

from collections.abc import Iterator
from importlib import import_module
from typing import Any, Final

import msgspec

from assent.applier.targets.command.table import VARIABLES
from infra.docs.markdown import code, table
from infra.docs.python_docs import fields_with_docs

TABLES: Final = (
    ("Every kind", "assent.applier.configuration", "Limits"),
    ("`[files]`", "assent.applier.targets.files.table", "FilesTable"),
    ("`[git]`", "assent.applier.targets.git.table", "GitTable"),
    ("`[sql]`", "assent.applier.targets.sql.table", "SqlTable"),
    ("`[[sql.statements]]`", "assent.applier.targets.sql.table", "Statement"),
    ("`[http]`", "assent.applier.targets.http.table", "HttpTable"),
    ("`[[http.steps]]` and `[[http.read_back]]`", "assent.applier.targets.http.table", "Step"),
    ("`find` of a step", "assent.applier.targets.http.table", "Find"),
    ("`outcome` of a step", "assent.applier.targets.http.table", "Outcome"),
    ("`[http.callbacks]`", "assent.applier.targets.http.table", "CallbackReceiver"),
    ("`[http.oauth]`", "assent.applier.targets.http.table", "OAuth"),
    ("`[command]`", "assent.applier.targets.command.table", "CommandTable"),
    ("`[[command.commands]]`", "assent.applier.targets.command.table", "Command"),
)


def rows_of(module: str, name: str) -> Iterator[tuple[str, str, str]]:
    """Each field of a table: its name, its meaning, its default. Without those that it inherits."""
    documented = fields_with_docs(module, name)
    struct: Any = getattr(import_module(module), name)
    for field in msgspec.structs.fields(struct):
        if field.name in documented:
            yield field.name, documented[field.name], _default(field)


def _default(field: msgspec.structs.FieldInfo) -> str:
    if field.required:
        return "required"
    default: Any = field.default_factory() if field.default is msgspec.NODEFAULT else field.default
    return "" if default in (None, "", (), {}) else code(msgspec.json.encode(default).decode())


def page() -> str:
    """The reference page."""
    parts = [
        "# Ready appliers",
        (
            "An applier is configured by a TOML file that `ASSENT_APPLIER_FILE` names. A field that is not"
            " listed here is refused, and each fault is reported with its place: `python -m assent.applier"
            " --check-file`."
        ),
    ]
    for title, module, name in TABLES:
        rows = [(code(field), text, default) for field, text, default in rows_of(module, name)]
        parts += [f"## {title}", table(("field", "meaning", "default"), rows)]
    given = table(("variable", "meaning"), ((code(name), text) for name, text in VARIABLES.items()))
    parts += ["## The environment of a command", given]
    return "\n\n".join(parts) + "\n"
