"""The table `[command]` of an applier's configuration."""

from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

from assent.applier.targets.paths import AbsolutePath
from assent.applier.targets.secrets import Secret

ExitCode = Annotated[int, Meta(ge=1, le=125)]
Arguments = Annotated[
    tuple[Annotated[str, Meta(pattern=r"^[^\x00]*$", max_length=4_000)], ...],
    Meta(min_length=1, max_length=100),
]
VariableName = Annotated[str, Meta(pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,99}$")]
Value = Annotated[str, Meta(pattern=r"^[^\x00]*$", max_length=10_000)]

VARIABLES: Final = {
    "ASSENT_REQUEST": "The request's id.",
    "ASSENT_RESOURCE": "The object, as `TYPE/ID`.",
    "ASSENT_TYPE": "Its type.",
    "ASSENT_ID": "Its id.",
    "ASSENT_OPERATION": "The operation.",
    "ASSENT_REQUESTER": "The requester's account.",
    "ASSENT_SUBMISSION": "The SHA-256 of the submission.",
    "ASSENT_DIGEST": "The SHA-256 of the payload.",
    "ASSENT_IDEMPOTENCY_KEY": "The same on every try. Not for `plan`.",
    "ASSENT_CLAIM": "The claim's number. A later claim to the same object has a higher one. Not for `plan`.",
}
"""What Assent adds to a command's environment."""


class Command(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One command, and the changes that it makes. The first that fits is used."""

    argv: Arguments
    """The program's path and its arguments, as they are: nothing of the change is put into them."""
    types: tuple[str, ...] | None = None
    """The resource types; all if absent."""
    operations: tuple[str, ...] | None = None
    """The operations; all if absent."""
    final: tuple[ExitCode, ...] = ()
    """The exit codes that mean: nothing was changed, and another try would not help."""
    retryable: tuple[ExitCode, ...] = ()
    """The exit codes that mean: nothing was changed, and a later try may succeed."""
    read_back: Arguments | None = None
    """A command that shows, changing nothing, whether the change was made: it exits with 0 if it was."""
    not_made: tuple[ExitCode, ...] = (1,)
    """The exit codes of `read_back` that mean: the change was not made. Any other means that it is
    unknown.
    """
    plan: Arguments | None = None
    """A command that prints what the change would do, changing nothing, and exits with 0."""
    repeatable: bool = False
    """Whether the command may run again for a change that it has made, because that does no harm."""


class CommandTable(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Programs that make the changes.

    Each field's docstring is its line in the documentation.
    """

    commands: Annotated[tuple[Command, ...], Meta(min_length=1, max_length=100)]
    """The commands, as tables `[[command.commands]]`. No other program is run."""
    user: Annotated[str, Meta(pattern=r"^[a-z_][a-z0-9_-]{0,31}$")] | None = None
    """The user of the commands. Required where the applier runs as root. Otherwise only its own user
    works.
    """
    environment: dict[VariableName, Value] = {}
    """The commands' whole environment, apart from `secrets` and what Assent adds."""
    secrets: dict[VariableName, Secret] = {}
    """More variables, with where their values are, as `file:/path` or `env:NAME`."""
    stdin: Literal["payload", "file", "change"] = "payload"
    """What the command reads: the payload's JSON, the file in the payload, or the whole change as JSON."""
    folder: AbsolutePath | None = None
    """The working folder. Without it each run has a new one, which is deleted afterwards."""
    memory_max_mib: Annotated[int, Meta(ge=16, le=1_048_576)] = 1_024
    """The most address space of one process."""
    cpu_max_s: Annotated[int, Meta(ge=1, le=86_400)] = 600
    """The most processor time of one process."""
    file_max_mib: Annotated[int, Meta(ge=0, le=1_048_576)] = 100
    """The largest file that a process can write."""
    output_max_kib: Annotated[int, Meta(ge=1, le=10_240)] = 64
    """How much of the output is kept. The rest is read and dropped."""
