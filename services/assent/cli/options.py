"""The options that commands share."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter
from cyclopts.validators import Number


@Parameter(name="*")
@dataclass(frozen=True)
class Options:
    """Options of every command."""

    data: Annotated[Path, Parameter(env_var="ASSENT_DATA")] = Path("assent-data")
    "The data directory of the local stack."

    json: Annotated[bool, Parameter(negative="", show_default=False)] = False
    "Print JSON, for scripts."

    verbose: Annotated[bool, Parameter(alias="-v", negative="", show_default=False)] = False
    "Show the log of this process too, on standard error."


Without = Annotated[
    tuple[Literal["applier", "gateway", "notify", "coordinator"], ...],
    Parameter(
        negative="", show_default=False, help="A service that is not started, for one that you run yourself."
    ),
]


@Parameter(name="*")
@dataclass(frozen=True)
class AccessOptions:
    """Who asks or sends, how to reach the log, and how long to wait for an answer."""

    as_: Annotated[str | None, Parameter(name="--as", env_var="ASSENT_AS")] = None
    "Who you are: a principal; its key is DATA/keys/PRINCIPAL.key."

    key: Annotated[Path | None, Parameter(env_var="ASSENT_KEY")] = None
    "A key file, instead of --as."

    timeout: Annotated[float, Parameter(validator=Number(gt=0, lte=86_400))] = 30.0
    "Seconds to wait for the decision."

    server: Annotated[str | None, Parameter(env_var="ASSENT_SERVER")] = None
    "The address of a gateway, such as https://assent.example. It needs your key only, which stays here."

    identity: Annotated[str | None, Parameter(env_var="ASSENT_IDENTITY", show_default=False)] = None
    "With --server: the identity of the log that you sign for, 64 hex digits; that of --data by default."


DEFAULT_OPTIONS = Options()
DEFAULT_ACCESS = AccessOptions()


@Parameter(name="*")
@dataclass(frozen=True)
class ChangeOptions:
    """How a change to governance is made."""

    justification: Annotated[
        str | None,
        Parameter(alias="-j", help="Why the change is needed; required when it becomes a request."),
    ] = None

    dry_run: Annotated[bool, Parameter(negative="", show_default=False)] = False
    "Change nothing: print what it would do, whether it needs approval, and any refusal."


DEFAULT_CHANGE_OPTIONS = ChangeOptions()
