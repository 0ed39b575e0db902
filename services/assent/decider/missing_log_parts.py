"""What keeps a writer from leading: a log that holds less than is known, or a topic with wrong settings."""

from typing import Final

import msgspec

from assent.decider.heads_file import HeadsFileError
from assent.observe.failure_reasons import reason_of
from assent.observe.health import Reason
from assent_contracts.heads import Finding

NOT_ASKED: Final = Reason(
    why="Postgres did not answer at this decider's last takeover, so it relies on the other known heads.",
    todo="Start Postgres. It is asked again at the next takeover, or when you restart this decider.",
)


class MissingError(Exception):
    """This partition is not led, because it would continue from the wrong place. It is looked at again."""

    def __init__(self, finding: Finding) -> None:
        super().__init__(f"{finding.why} {finding.todo}")
        self.finding = finding


class UnknownError(Exception):
    """No source outside Kafka could be asked what is known of the log, so nothing is led."""


def missing_because(error: MissingError | UnknownError | HeadsFileError) -> Reason:
    """Why a partition is not led, and what to do about it."""
    match error:
        case MissingError(finding=finding):
            todo = f"{finding.todo} Until then nothing is decided here."
            return msgspec.structs.replace(reason_of(finding), todo=todo)
        case HeadsFileError():
            return Reason(
                why=f"What this decider knew of the log cannot be read: {error}",
                todo="Nothing is decided here until then. It continues by itself.",
            )
        case UnknownError():
            return Reason(
                why="This decider has no file of heads yet, and Postgres, which may know some, is down.",
                todo="Start Postgres; then deciding continues. Without it a log that was cut is not noticed.",
            )
