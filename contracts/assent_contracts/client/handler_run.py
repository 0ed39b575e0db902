"""Run a handler by the rules of `handler`, and make its result a report. Knows nothing of Kafka."""

import logging
import math
import random
from collections.abc import Callable
from typing import Final

import msgspec

from assent_contracts.client.handler import (
    Applied,
    FinalError,
    Handler,
    ReadBack,
    Release,
    RetryableError,
    UnknownOutcomeError,
)
from assent_contracts.client.handler_call import HandlerExitError, HungError, call
from assent_contracts.client.lease import Lease, WorkTime
from assent_contracts.commands import Outcome
from assent_contracts.form_refusals import is_identifier
from assent_contracts.limits import VERSION_MAX_CHARS

READ_BACK_S: Final = 60.0
"""How long reading back may take. It changes nothing, so it needs no lease."""
_PAUSE_S: Final = 0.5
_PAUSE_MAX_S: Final = 60.0
_log: Final = logging.getLogger(__name__)


class Report(msgspec.Struct, frozen=True):
    """What is reported of a change. `message` is for people; the requester sees it."""

    outcome: Outcome
    message: str = ""
    version: str = ""
    """The version of the object that the change made, as the target names it."""


async def settle_release(
    handler: Handler,
    reads_back: ReadBack | None,
    release: Release,
    lease: Lease,
    work_time: WorkTime,
    *,
    begun: bool,
    begin: Callable[[], None],
) -> Report:
    """What is reported of a claimed release, which may have been begun by a process that was killed.

    `begun`: whether `begin` was called for it before. From then on the change may have been made.
    """
    shown = await _shown(reads_back, release) if begun else None
    if shown is not None:
        return shown
    if not begun:
        begin()
    if lease.over():
        return too_late(begun=begun)
    report = await apply_release(handler, release, work_time, cut_off=begun and reads_back is None)
    if report.outcome == "unknown":
        shown = await _shown(reads_back, release)
        return shown if shown is not None and shown.outcome == "succeeded" else report
    return report


def too_late(*, begun: bool) -> Report:
    """The outcome of a claimed change whose lease may have ended. `begun`: whether applying it had begun."""
    if begun:
        return Report("unknown", "The applier was stopped while applying it, and its lease has ended since.")
    return Report("failed", "Nothing was changed: the lease ended before the applier began.")


async def _shown(reads_back: ReadBack | None, release: Release) -> Report | None:
    return None if reads_back is None else await read_back(reads_back, release, WorkTime(None, READ_BACK_S))


async def apply_release(
    handler: Handler, release: Release, work_time: WorkTime, *, cut_off: bool = False
) -> Report:
    """Call the handler until it succeeds, fails or has no more time.

    `cut_off`: an earlier call may have been cut off after it changed the target. What the handler says of a
    later call then says nothing about that one, so no failure is reported.
    """
    tries, pause_s = 0, _PAUSE_S
    while True:
        tries += 1
        try:
            return report_of(await call(handler, _now(release, work_time), work_time.certain_s))
        except RetryableError as error:
            wait_s = _wait_s(error, pause_s)
            _log.info("request %s: to be tried again in %.1f s: %s", release.change.request, wait_s, error)
            if not await work_time.wait(wait_s):
                return _failed(f"Nothing was changed after {_times(tries)}: {error}", cut_off=cut_off)
            pause_s = min(2 * pause_s, _PAUSE_MAX_S)
        except FinalError as error:
            return _failed(str(error) or "Nothing was changed.", cut_off=cut_off)
        except Exception as error:  # noqa: BLE001  whatever it raised, it is unknown what was done
            return _unknown(release, error)


async def read_back(step: ReadBack, release: Release, work_time: WorkTime) -> Report | None:
    """What the target shows of a change that may have been made; None if it was not made.

    If that cannot be found out, the report is `unknown`.
    """
    pause_s = _PAUSE_S
    while True:
        try:
            result = await call(step, _now(release, work_time), work_time.certain_s)
        except RetryableError as error:
            if not await work_time.wait(_wait_s(error, pause_s)):
                return Report("unknown", f"The target did not say whether the change was made: {error}")
            pause_s = min(2 * pause_s, _PAUSE_MAX_S)
        except Exception as error:  # noqa: BLE001  it was not found out
            return _unknown(release, error)
        else:
            return None if result is None else report_of(result)


def _now(release: Release, work_time: WorkTime) -> Release:
    return msgspec.structs.replace(release, remaining_s=max(0.0, work_time.certain_s()))


def report_of(result: object) -> Report:
    """The report of what a handler returned."""
    match result:
        case None:
            return Report("succeeded")
        case Applied(message=str() as message, version=str() as version):
            return _made(message, version)
        case _:
            named = type(result).__name__
            return Report("unknown", f"The applier's handler returned {named} instead of Applied or None.")


def _made(message: str, version: str) -> Report:
    """The report of a change that was made. A version that the ledger does not take is left out, and said."""
    if not version or is_identifier(version, VERSION_MAX_CHARS):
        return Report("succeeded", message, version)
    what = f"1 to {VERSION_MAX_CHARS} printable ASCII characters without spaces"
    why = f"The version that it made is not reported, because it is not {what}."
    return Report("succeeded", f"{message} {why}".strip())


def _failed(message: str, *, cut_off: bool) -> Report:
    if cut_off:
        return Report("unknown", f"An earlier try was cut off and may have changed the target. {message}")
    return Report("failed", message)


def _unknown(release: Release, error: Exception) -> Report:
    request = release.change.request
    match error:
        case UnknownOutcomeError():
            return Report("unknown", str(error) or "The applier does not know whether the change was made.")
        case HungError():
            return Report("unknown", "The applier's handler did not return before its time was over.")
        case _:
            # The text of an unexpected exception is not for people. It may hold what no ledger must keep.
            _log.error("request %s: the handler raised", request, exc_info=error)
            named = type(error.__cause__ if isinstance(error, HandlerExitError) else error).__name__
            return Report("unknown", f"The applier's handler raised {named}. Its log has the details.")


def _wait_s(error: RetryableError, pause_s: float) -> float:
    """Seconds until the next try: at least what the handler asks for."""
    wait_s = pause_s * random.uniform(0.5, 1.0)  # noqa: S311  so that many appliers do not try at once
    asked: object = error.retry_after_s
    if isinstance(asked, int | float) and not math.isnan(asked):
        return max(wait_s, asked)
    return wait_s


def _times(tries: int) -> str:
    return "1 try" if tries == 1 else f"{tries} tries"
