"""The table `[sql]` of an applier's configuration."""

from typing import Annotated

import msgspec
from msgspec import Meta

from assent.applier.targets.secrets import Secret

Parameter = Annotated[
    str,
    Meta(
        pattern=r"^(id|type|resource|operation|requester|request|payload|file|(/[^\x00]*)?)$", max_length=300
    ),
]
Seconds = Annotated[float, Meta(ge=0.001, le=3_600)]


class Statement(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One statement, and the changes that it makes. The first that fits is used."""

    statement: Annotated[str, Meta(min_length=1, max_length=65_536)] | None = None
    """The SQL, with `$1`, `$2` … for the parameters. Without it the payload itself is the SQL (a
    migration).
    """
    parameters: Annotated[tuple[Parameter, ...], Meta(max_length=100)] = ()
    """What each parameter is: `id`, `type`, `resource`, `operation`, `requester`, `request`, `payload` (the
    JSON as text), `file` (the text or bytes in the payload), or a JSON pointer into the payload, such as
    `/version`.
    """
    types: tuple[str, ...] | None = None
    """The resource types; all if absent."""
    operations: tuple[str, ...] | None = None
    """The operations; all if absent."""
    rows: Annotated[int, Meta(ge=0)] | None = None
    """How many rows must be changed. With another number nothing is changed, and the change fails."""


class SqlTable(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A database, and a statement for each kind of change.

    Each field's docstring is its line in the documentation.
    """

    dsn: Secret
    """Where the database's address is (`postgresql://USER:PASSWORD@HOST/NAME`), as `file:/path` or
    `env:NAME`.
    """
    statements: Annotated[tuple[Statement, ...], Meta(min_length=1, max_length=100)]
    """The statements, as tables `[[sql.statements]]`."""
    table: Annotated[str, Meta(pattern=r"^[a-z_][a-z0-9_]{0,62}(\.[a-z_][a-z0-9_]{0,62})?$")] = (
        "public.assent_applied"
    )
    """The table that has one row for each release that was applied. It is created if it is missing."""
    statement_timeout_s: Seconds = 30.0
    """How long one statement may take."""
    lock_timeout_s: Seconds = 5.0
    """How long one statement may wait for a lock."""
