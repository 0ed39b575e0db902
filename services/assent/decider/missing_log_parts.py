"""What keeps a writer from leading: less is there than what is known, or a topic is not as it must be."""

from typing import Final

import msgspec

from assent.decider.heads_file import HeadsFileError
from assent.observe.health import Reason
from assent.observe.reasons import reason_of
from assent_contracts.heads import Finding

NOT_ASKED: Final = Reason(
    why="Postgres did not say which heads it knows when this decider took over last: it leads by the others.",
    todo="Start Postgres. It is asked again at the next take-over; start this decider anew to have it asked.",
)


class MissingError(Exception):
    """This partition is not led, lest it continue from where it does not end. It is looked at again."""

    def __init__(self, finding: Finding) -> None:
        super().__init__(f"{finding.why} {finding.todo}")
        self.finding = finding


class UnknownError(Exception):
    """Nothing that is kept outside Kafka could be asked what is known: then nothing is led."""


def missing_because(error: MissingError | UnknownError | HeadsFileError) -> Reason:
    """Why a partition is not led, and what to do about it."""
    match error:
        case MissingError(finding=finding):
            todo = f"{finding.todo} Nothing is decided here meanwhile."
            return msgspec.structs.replace(reason_of(finding), todo=todo)
        case HeadsFileError():
            return Reason(
                why=f"What this decider knew of the log cannot be read: {error}",
                todo="Nothing is decided here meanwhile; it goes on by itself.",
            )
        case UnknownError():
            return Reason(
                why="This decider has no file of heads yet, and Postgres, which may know some, is silent.",
                todo="Start Postgres; it goes on by itself. Without it nobody could tell a log that was cut.",
            )
