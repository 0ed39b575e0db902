"""The options of `assent submit` for what a submission can state besides what is changed and why."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Group, Parameter

from assent.cli import output

if TYPE_CHECKING:
    from assent_contracts.change_details import ChangeDetails, HashedReference

_DETAILS = Group("Details", sort_key=1)


@Parameter(name="*", group=_DETAILS)
@dataclass(frozen=True)
class DetailOptions:
    """What approvers are told besides what is changed and why. A policy can demand some of it (R24)."""

    impact: str | None = None
    "What the change affects, and how much."

    fallback: str | None = None
    "How it is taken back."

    expected: str | None = None
    "What should be observed once it is applied."

    tested: Annotated[tuple[str, ...], Parameter(negative="", show_default=False)] = ()
    "A file that shows how it was tested, or 'SHA256 WHAT [URL]'; repeat it for several."

    emergency: bool | None = None
    "State that it cannot wait, or that it can."

    ticket: Annotated[tuple[str, ...], Parameter(negative="", show_default=False)] = ()
    "A ticket that it belongs to; repeat it for several."

    base: str | None = None
    "R26: the version of the object from which the change was made, as the target names it."


NO_DETAIL_OPTIONS = DetailOptions()


def details_given(options: DetailOptions) -> "ChangeDetails":
    """The details that the command line names. Exits where a file of `--tested` cannot be read."""
    from assent_contracts.change_details import ChangeDetails

    fields: dict[str, Any] = {
        name: value
        for name in ("impact", "fallback", "expected", "emergency", "base")
        if (value := getattr(options, name)) is not None
    }
    if options.tested:
        fields["tested"] = tuple(map(_tested, options.tested))
    if options.ticket:
        fields["tickets"] = options.ticket
    return ChangeDetails(**fields)


def _tested(text: str) -> "HashedReference":
    import hashlib

    from assent.reading.reference_lines import reference_of
    from assent_contracts.change_details import HashedReference

    found = reference_of(text)
    if found is not None:
        return found
    path = Path(text)
    if not path.is_file():
        output.fail(f"--tested {text!r}: there is no such file, and it is not 'SHA256 WHAT [URL]'.")
    with path.open("rb") as file:
        return HashedReference(what=path.name, sha256=hashlib.file_digest(file, "sha256").hexdigest())
