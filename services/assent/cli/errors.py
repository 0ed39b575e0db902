"""What an error means to the user of a command, what to do about it, and the exit code."""

import re
import sys
from typing import NoReturn

import asyncpg
import msgspec
from aiokafka.errors import KafkaError

from assent.cli import output
from assent.cli.connection.log_access import UnreachableError
from assent.cli.connection.log_client import (
    FindingNotFoundError,
    GatewayAnswerError,
    GatewayRefusalError,
    GatewayUnreachableError,
    NotProjectedError,
    RequestNotFoundError,
    UndecidedError,
)
from assent.cli.decision_output import decision_document
from assent.decider.heads_file import HeadsFileError
from assent.extras import MissingExtraError
from assent.ledger.acl_requests import AclsError
from assent.ledger.topic_creation import TopicsError
from assent.local import (
    DirectoryInUse,
    JarMismatch,
    JarsUnavailable,
    NoSystemUser,
    StackNotRunning,
    StartFailed,
)
from assent.local.founded_log import NotFounded
from assent.process_settings import SettingsError
from assent.store.migrate import MigrationError
from assent.store.pool import PoolerError
from assent.store.postgres_reasons import reason
from assent.verify.expected_heads import ExpectError
from assent_contracts.client.follower import NotFoundedError, NotWholeError
from assent_contracts.client.keys import KeyFileError
from assent_contracts.client.publisher import NotPublishedError
from assent_contracts.ledger import IncoherentRecordError

_SAY_IT_THEMSELVES = (
    AclsError,
    DirectoryInUse,
    ExpectError,
    HeadsFileError,
    JarMismatch,
    JarsUnavailable,
    KeyFileError,
    MissingExtraError,
    NoSystemUser,
    NotFounded,
    MigrationError,
    SettingsError,
    StackNotRunning,
    StartFailed,
    TopicsError,
    UnreachableError,
)
_BOOTSTRAP = re.compile(r"\('([^']+)', ([0-9]+)")
_LOOK = "`assent doctor` shows what is wrong."


def fail_with(error: Exception, *, as_json: bool) -> None:
    """Print what the error means and exit with its code. Returns where the error is a fault of Assent."""
    for note in getattr(error, "__notes__", ()):
        output.print_problem(note, style="default")
    match error:
        case UndecidedError():
            if as_json:
                _print_undecided(error)
            output.fail(str(error), output.NOT_DECIDED)
        case GatewayUnreachableError():
            if as_json and error.command is not None:
                _print_undecided(error)
            output.fail(str(error), output.NOT_DECIDED)
        case GatewayRefusalError():
            _fail_refused(error, as_json=as_json)
        case GatewayAnswerError():
            output.fail(str(error), output.FAILED if error.is_of_assent else output.NOT_DECIDED)
        case RequestNotFoundError() | FindingNotFoundError() | NotProjectedError():
            output.fail(str(error))
        case _:
            explanation = explanation_of(error)
            if explanation is not None:
                output.fail(explanation)


def _print_undecided(error: UndecidedError | GatewayUnreachableError) -> None:
    output.print_json({"decided": False, "command": error.command, "what": error.what})


def _fail_refused(error: GatewayRefusalError, *, as_json: bool) -> NoReturn:
    """Print it as a refusal of the ledger is printed, without a place on the ledger."""
    if as_json:
        refusal = {"code": error.code, "detail": error.detail}
        output.print_json({**decision_document(None), "refusal": refusal, "what_to_do": error.todo})
    else:
        output.print_problem(f"Refused: {error.code}", style="bold red")
        output.print_problem(error.detail, style="default")
        output.print_problem(error.todo, style="default")
    sys.exit(output.REFUSED if error.is_permanent else output.NOT_DECIDED)


def explanation_of(error: Exception) -> str | None:  # noqa: C901  an arm each
    """A sentence or two for people; None for a fault of Assent."""
    match error:
        case _ if isinstance(error, _SAY_IT_THEMSELVES):
            return sentence(str(error))
        case NotFoundedError():
            return f"{sentence(str(error))} Is ASSENT_IDENTITY, or --data, that of this log?"
        case IncoherentRecordError():
            return (
                f"{sentence(str(error))} `assent audit verify` shows where the ledger was altered, if it was."
            )
        case NotPublishedError() | NotWholeError():
            return f"Nothing was sent: {error.finding.why} {error.finding.todo}"
        case KafkaError():
            return f"{kafka_sentence(error)} {_LOOK}"
        case (
            asyncpg.UndefinedTableError() | asyncpg.UndefinedColumnError() | asyncpg.InvalidSchemaNameError()
        ):
            found = reason(error)
            return f"{found.why} {found.todo}"
        case PoolerError():
            found = reason(error)
            return f"{found.why} {found.todo}"
        case asyncpg.PostgresError() | asyncpg.InterfaceError():
            return f"Postgres: {sentence(str(error))} {_LOOK}"
        case msgspec.MsgspecError():
            return f"A file of the data directory cannot be read: {sentence(str(error))} {_LOOK}"
        case OSError():
            return _explain_os(error)
        case _:
            return None


def _explain_os(error: OSError) -> str:
    if error.filename is not None:
        return f"{error.filename}: {error.strerror}."
    what = sentence(error.strerror or str(error)) if str(error) else ""
    if isinstance(error, TimeoutError):
        return f"It took too long. {what} {_LOOK}"
    return f"Kafka, Postgres or a file cannot be reached: {what} {_LOOK}"


def kafka_sentence(error: KafkaError) -> str:
    """The message of a Kafka client, without the names of its classes."""
    text = str(error).removeprefix(f"{type(error).__name__}: ")
    places = _BOOTSTRAP.findall(text)
    if places:
        return f"Kafka does not answer at {', '.join(f'{host}:{port}' for host, port in places)}."
    return f"Kafka: {sentence(text)}"


def sentence(text: str) -> str:
    """The text with a capital at its start and a full stop at its end."""
    first, stop = text[:1].upper(), "" if text.endswith((".", "!", "?", ":")) else "."
    return f"{first}{text[1:]}{stop}"
