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

    not_before: str | None = None
    "R27: when it can be released at the earliest, such as 2026-12-24T18:00Z; UTC unless it has a zone."

    not_after: str | None = None
    "R27: until when it can be claimed. Then the request expires."


NO_DETAIL_OPTIONS = DetailOptions()


def details_given(options: DetailOptions) -> "ChangeDetails":
    """The details that the command line names. Exits where a file of `--tested` cannot be read."""
    from assent_contracts.change_details import ChangeDetails

    fields: dict[str, Any] = {
        name: value
        for name in ("impact", "fallback", "expected", "emergency", "base")
        if (value := getattr(options, name)) is not None
    }
    for name in ("not_before", "not_after"):
        text = getattr(options, name)
        if text is not None:
            fields[name] = _time(name, text)
    if options.tested:
        fields["tested"] = tuple(map(_tested, options.tested))
    if options.ticket:
        fields["tickets"] = options.ticket
    return ChangeDetails(**fields)


def _time(name: str, text: str) -> int:
    from assent.reading.utc_times import utc_ms

    found = utc_ms(text)
    if found is None:
        output.fail(f"--{name.replace('_', '-')} {text!r}: write a time such as 2026-12-24T18:00Z.")
    return found


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
