"""The commands of `assent`, and what becomes of errors that none of them handles."""

import asyncio

import asyncpg
from aiokafka.errors import KafkaError
from cyclopts import App

from assent.cli import auditing, demo, founding, output, requests, running
from assent.cli.options import UnreachableError
from assent.ledger.topics import TopicsError
from assent.local import (
    DirectoryInUse,
    JarMismatch,
    JarsUnavailable,
    NoSystemUser,
    StackNotRunning,
    StartFailed,
)
from assent.local.founded import NotFounded
from assent.settings import SettingsError
from assent_contracts.client.follower import NotFoundedError
from assent_contracts.client.keys import KeyFileError

app = App(
    name="assent",
    help="Multi-admin approval: changes are made only after a second person has approved them.",
    version_flags=["--version"],
)
for command in (founding.init, running.up, running.env, running.doctor, demo.demo):
    app.command(command, group="System")
for command in (
    requests.submit,
    requests.approve,
    requests.reject,
    requests.revoke,
    requests.cancel,
    requests.complete,
    requests.settle,
    requests.requests,
    requests.show,
):
    app.command(command, group="Requests")
for group in (auditing.audit, founding.keys, founding.topics):
    app.command(group)

_EXPECTED = (
    DirectoryInUse,
    JarMismatch,
    JarsUnavailable,
    KeyFileError,
    NoSystemUser,
    NotFounded,
    NotFoundedError,
    SettingsError,
    StackNotRunning,
    StartFailed,
    TopicsError,
    UnreachableError,
)


def main() -> None:
    """Run one command. Exits 0 on a decision, 2 on a refusal, 3 without one, 1 on any other failure."""
    try:
        app()
    except _EXPECTED as error:
        output.fail(str(error))
    except KafkaError as error:
        output.fail(f"Kafka does not answer: {error!r}. Is the stack up? Try `assent doctor`.")
    except (asyncpg.PostgresError, OSError) as error:
        output.fail(f"Postgres or a file cannot be reached: {error!r}. Try `assent doctor`.")
    except TimeoutError as error:
        output.fail(f"It took too long: {error}. Try `assent doctor`.")
    except (KeyboardInterrupt, asyncio.CancelledError):
        output.fail("Interrupted.", 130)
