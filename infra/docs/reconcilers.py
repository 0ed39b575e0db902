"""The configuration of reconcilers, from the docstrings of the structs that hold it."""

from typing import Final

from infra.docs.appliers import rows_of
from infra.docs.markdown import code, table

TABLES: Final = (
    ("Every kind", "assent.reconcile.configuration", "Common"),
    ("`[files]`", "assent.applier.targets.files.table", "FilesTable"),
    ("`[git]`", "assent.applier.targets.git.table", "GitTable"),
    ("More fields of `[git]`", "assent.reconcile.configuration", "GitHistory"),
    ("`[sql]`", "assent.reconcile.configuration", "SqlListing"),
    ("`[http]`", "assent.reconcile.configuration", "HttpListing"),
    ("`[http.oauth]`", "assent.applier.targets.http.table", "OAuth"),
)


def page() -> str:
    """The reference page."""
    parts = [
        "# Reconcilers",
        (
            "A reconciler is configured by a TOML file that `ASSENT_RECONCILE_FILE` or `assent reconcile"
            " --config` names. A field that is not listed here is refused, and each fault is reported with"
            " its place: `python -m assent.reconcile --check-file`."
        ),
        "A file for several targets has a table `[[targets]]` for each, with the same fields.",
    ]
    for title, module, name in TABLES:
        rows = [(code(field), text, default) for field, text, default in rows_of(module, name)]
        parts += [f"## {title}", table(("field", "meaning", "default"), rows)]
    return "\n\n".join(parts) + "\n"
