"""The short way in for an applier: one handler, as a program that runs until it is asked to stop."""

import asyncio
import logging
import os
import signal
import threading
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Final

from aiokafka.errors import KafkaError

from assent_contracts.client.applier import Applier
from assent_contracts.client.environment import (
    SettingsError,
    optional_path,
    read_connection,
    read_identity,
)
from assent_contracts.client.follower import GovernanceFollower
from assent_contracts.client.handled import Handled
from assent_contracts.client.handler import Handler, ReadBack
from assent_contracts.client.keys import load_key
from assent_contracts.client.task_end import pause

_RETRY_S: Final = 1.0
_RETRY_MAX_S: Final = 30.0
_OF_NO_CONSEQUENCE: Final = ("not-open", "in-hand", "other-type", "not-claimed")
_GOOD: Final = (*_OF_NO_CONSEQUENCE, "succeeded")
_log: Final = logging.getLogger("assent_contracts.applier")


def run_applier(
    handler: Handler,
    *,
    types: Collection[str] | None = None,
    read_back: ReadBack | None = None,
    concurrency: int = 16,
    time_limit_s: float = 900.0,
    environ: Mapping[str, str] = os.environ,
    state_dir: Path | None = None,
    on_handled: Callable[[Handled], None] | None = None,
) -> None:
    """Apply changes until SIGTERM or SIGINT. Then changes in progress have 5 seconds to finish.

    `ASSENT_KAFKA` and `ASSENT_IDENTITY` are what `assent env` prints. `ASSENT_KEY_FILE` is the applier's key,
    and `ASSENT_STATE`, or `state_dir`, a folder of its own that outlives it. Each record is logged, unless
    you give `on_handled`. Waits while Kafka is unavailable. Raises SettingsError, KeyFileError,
    JournalInUseError, JournalOfAnotherLogError, NotFoundedError, NotFollowingError. The other arguments are
    those of Applier.
    """
    _log_to_stderr()

    async def main() -> None:
        stop = asyncio.Event()
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):
                asyncio.get_running_loop().add_signal_handler(number, stop.set)
        await keep_applying(
            handler,
            stop,
            types=types,
            read_back=read_back,
            concurrency=concurrency,
            time_limit_s=time_limit_s,
            environ=environ,
            state_dir=state_dir,
            on_handled=on_handled,
        )

    asyncio.run(main())


async def keep_applying(
    handler: Handler,
    stop: asyncio.Event,
    *,
    types: Collection[str] | None = None,
    read_back: ReadBack | None = None,
    concurrency: int = 16,
    time_limit_s: float = 900.0,
    environ: Mapping[str, str] = os.environ,
    state_dir: Path | None = None,
    on_handled: Callable[[Handled], None] | None = None,
) -> None:
    """The same in your own event loop, until `stop` is set."""
    connection, identity = read_connection(environ), read_identity(environ)
    key = load_key(_needed(optional_path(environ, "ASSENT_KEY_FILE"), "ASSENT_KEY_FILE: your key file"))
    state = _needed(
        state_dir or optional_path(environ, "ASSENT_STATE"), "ASSENT_STATE: a folder for this applier only"
    )
    governance = GovernanceFollower(connection, identity, with_evidence=True)
    try:
        if not await _started(governance, stop):
            return
        applier = Applier(
            connection,
            governance,
            key,
            state,
            handler,
            types=types,
            read_back=read_back,
            concurrency=concurrency,
            time_limit_s=time_limit_s,
            on_handled=on_handled or log_handled,
            on_missing=_log_missing,
        )
        await applier.run(stop)
    finally:
        await governance.stop()


def log_handled(handled: Handled) -> None:
    """Log one line for a record, unless it needed nothing to be done."""
    if handled.result in _OF_NO_CONSEQUENCE and not handled.detail:
        level = logging.DEBUG
    else:
        level = logging.INFO if handled.result in _GOOD else logging.WARNING
    where = f"request {handled.request}, {handled.resource}" if handled.request else "a record"
    _log.log(level, "%s: %s%s", handled.result, where, f": {handled.detail}" if handled.detail else "")


def _log_missing(why: str | None) -> None:
    if why is None:
        _log.info("ready: changes are read")
    else:
        _log.warning("not ready: %s", why)


async def _started(governance: GovernanceFollower, stop: asyncio.Event) -> bool:
    """Whether governance was read before `stop` was set."""
    pause_s = _RETRY_S
    while not stop.is_set():
        try:
            await governance.start()
        except (KafkaError, TimeoutError) as error:
            _log.warning("Kafka is unavailable, trying again in %g s: %r", pause_s, error)
            await governance.stop()
            await pause(stop, pause_s)
            pause_s = min(2 * pause_s, _RETRY_MAX_S)
        else:
            return True
    return False


def _needed(path: Path | None, what: str) -> Path:
    if path is None:
        msg = f"Set {what}."
        raise SettingsError(msg)
    return path


def _log_to_stderr() -> None:
    """Show the client's own lines in a program that has not set up logging."""
    if not logging.getLogger().handlers and not _log.handlers:
        of_client = logging.getLogger("assent_contracts")
        of_client.setLevel(logging.INFO)
        handler = logging.StreamHandler()
        handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
        of_client.addHandler(handler)
