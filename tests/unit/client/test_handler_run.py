"""A handler runs by its rules: what each return, exception and silence makes of the outcome."""

import asyncio
import functools
import logging
import threading
import time
from collections.abc import Callable

import msgspec
import pytest

from assent_contracts.client.handler import (
    Applied,
    FinalError,
    Handler,
    Release,
    RetryableError,
    UnknownOutcomeError,
)
from assent_contracts.client.handler_run import Report, apply_release, read_back
from assent_contracts.client.lease import Lease, WorkTime
from assent_contracts.digests import sha256_hex
from assent_contracts.released_change import Change, idempotency_key

CHANGE = Change(
    request="0-1",
    resource="app/a",
    operation="edit",
    requester="alice",
    justification="why",
    digest=sha256_hex(b"{}"),
    submission=sha256_hex(b"submitted"),
    released=3,
    at=1,
    payload=msgspec.Raw(b"{}"),
)
RELEASE = Release(change=CHANGE, claim=4, idempotency_key=idempotency_key("a" * 64, CHANGE), remaining_s=0)
SAID_NOTHING = "The applier's handler did not return before its time was over."


def lease(seconds: float) -> Lease:
    ends = round(seconds * 1_000)
    return Lease(claim=4, digest=CHANGE.digest, deadline=ends, log_ms=0, sent=time.monotonic())


def work_time(seconds: float = 30.0, limit_s: float = 900.0) -> WorkTime:
    return WorkTime(lease(seconds), limit_s)


def raised(name: str) -> Report:
    return Report("unknown", f"The applier's handler raised {name}. Its log has the details.")


def raising(error: BaseException) -> tuple[Handler, Handler]:
    """A plain and an async handler that raise it."""

    def plain(_: Release) -> Applied:
        raise error

    async def coroutine(_: Release) -> Applied:
        raise error

    return plain, coroutine


@pytest.mark.parametrize("kind", [0, 1])
@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (FinalError("The zone is closed."), Report("failed", "The zone is closed.")),
        (FinalError(), Report("failed", "Nothing was changed.")),
        (UnknownOutcomeError("Timed out after sending."), Report("unknown", "Timed out after sending.")),
        (ValueError("secret"), raised("ValueError")),
        (MemoryError(), raised("MemoryError")),
        (SystemExit(3), raised("SystemExit")),
    ],
)
async def test_exception_of_a_handler_is_the_outcome_that_it_states(
    error: BaseException, expected: Report, kind: int
) -> None:
    assert await apply_release(raising(error)[kind], RELEASE, work_time()) == expected


@pytest.mark.parametrize(
    ("returned", "expected"),
    [
        (None, Report("succeeded")),
        (Applied("Done.", version="v7"), Report("succeeded", "Done.", "v7")),
        (True, Report("unknown", "The applier's handler returned bool instead of Applied or None.")),
        ({}, Report("unknown", "The applier's handler returned dict instead of Applied or None.")),
        (Applied(5), Report("unknown", "The applier's handler returned Applied instead of Applied or None.")),  # type: ignore[arg-type]
    ],
)
async def test_what_a_handler_returns_is_a_success_or_nonsense(returned: object, expected: Report) -> None:
    assert await apply_release(lambda _: returned, RELEASE, work_time()) == expected  # type: ignore[arg-type, return-value]


class _Callable:
    async def __call__(self, release: Release) -> Applied:
        return Applied(release.change.request)


async def _with_option(release: Release, *, option: str) -> Applied:
    return Applied(f"{release.change.request}{option}")


@pytest.mark.parametrize(
    ("handler", "message"),
    [
        (_Callable(), "0-1"),
        (functools.partial(_with_option, option="!"), "0-1!"),
        (lambda release: _with_option(release, option="?"), "0-1?"),
    ],
)
async def test_anything_that_can_be_called_or_awaited_is_a_handler(handler: Handler, message: str) -> None:
    assert await apply_release(handler, RELEASE, work_time()) == Report("succeeded", message)


async def test_plain_function_runs_in_a_thread_and_blocks_nothing() -> None:
    go_on = threading.Event()
    applying = asyncio.create_task(apply_release(lambda _: _wait_for(go_on), RELEASE, work_time()))
    await asyncio.sleep(0)
    go_on.set()
    assert (await applying).outcome == "succeeded"


def _wait_for(event: threading.Event) -> None:
    assert event.wait(20)


def after(failures: int, error: Callable[[], Exception], times: list[float], given: list[Release]) -> Handler:
    """Raises that many times, then succeeds."""

    def handler(release: Release) -> Applied:
        times.append(time.monotonic())
        given.append(release)
        if len(given) <= failures:
            raise error()
        return Applied()

    return handler


async def test_retryable_is_tried_again_with_pauses_and_the_same_key() -> None:
    times: list[float] = []
    given: list[Release] = []
    handler = after(2, lambda: RetryableError("Busy."), times, given)
    assert await apply_release(handler, RELEASE, work_time()) == Report("succeeded")
    assert [each.idempotency_key for each in given] == [RELEASE.idempotency_key] * 3
    assert given[0].remaining_s > given[1].remaining_s > given[2].remaining_s > 0
    assert times[1] - times[0] >= 0.25
    assert times[2] - times[1] >= 0.5


async def test_pause_is_at_least_what_the_target_asks_for() -> None:
    times: list[float] = []
    handler = after(1, lambda: RetryableError("Busy.", retry_after_s=0.8), times, [])
    assert (await apply_release(handler, RELEASE, work_time())).outcome == "succeeded"
    assert times[1] - times[0] >= 0.8


@pytest.mark.parametrize("asked", [float("nan"), -5, "soon"])
async def test_pause_that_makes_no_sense_is_ignored(asked: float) -> None:
    handler = after(1, lambda: RetryableError("Busy.", retry_after_s=asked), [], [])
    assert (await apply_release(handler, RELEASE, work_time())).outcome == "succeeded"


@pytest.mark.parametrize("asked", [float("inf"), 31.0])
async def test_retryable_that_asks_for_more_time_than_there_is_fails_at_once(asked: float) -> None:
    handler = after(1, lambda: RetryableError("Closed today.", retry_after_s=asked), [], [])
    said = await apply_release(handler, RELEASE, work_time(limit_s=30))
    assert said == Report("failed", "Nothing was changed after 1 try: Closed today.")


async def test_retryable_until_the_lease_ends_is_a_failure_that_counts_the_tries() -> None:
    given: list[Release] = []
    handler = after(1_000, lambda: RetryableError("Busy."), [], given)
    said = await apply_release(handler, RELEASE, work_time(1.0))
    tries = f"{len(given)} tries" if len(given) > 1 else "1 try"
    assert said == Report("failed", f"Nothing was changed after {tries}: Busy.")
    assert len(given) > 1


@pytest.mark.parametrize("error", [FinalError("It exists."), RetryableError("Busy.", retry_after_s=99)])
async def test_failure_after_a_try_that_was_cut_off_is_unknown(error: Exception) -> None:
    said = await apply_release(raising(error)[0], RELEASE, work_time(limit_s=60), cut_off=True)
    assert said.outcome == "unknown"
    assert said.message.startswith("An earlier try was cut off and may have changed the target. ")


async def test_async_handler_that_hangs_is_cancelled_and_its_outcome_unknown() -> None:
    cancelled: list[bool] = []

    async def hang(_: Release) -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.append(True)
            raise

    assert await apply_release(hang, RELEASE, work_time(0.1)) == Report("unknown", SAID_NOTHING)
    assert cancelled == [True]


async def test_handler_that_answers_when_it_is_cancelled_is_believed() -> None:
    async def hang(_: Release) -> Applied:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            return Applied("It was done already.")
        raise AssertionError

    said = await apply_release(hang, RELEASE, work_time(0.1))
    assert said == Report("succeeded", "It was done already.")


async def test_thread_that_hangs_is_left_to_itself_and_named_in_the_log(
    caplog: pytest.LogCaptureFixture,
) -> None:
    go_on = threading.Event()
    begun = time.monotonic()
    try:
        with caplog.at_level(logging.ERROR):
            said = await apply_release(lambda _: _wait_for(go_on), RELEASE, work_time(0.2))
    finally:
        go_on.set()
    assert said == Report("unknown", SAID_NOTHING)
    assert time.monotonic() - begun < 10
    assert "Its thread assent-handler-0-1 goes on" in caplog.text


async def test_lease_that_is_renewed_while_the_handler_runs_gives_it_more_time() -> None:
    held = lease(0.3)

    async def slow(_: Release) -> None:
        held.deadline += 30_000
        await asyncio.sleep(0.6)

    assert await apply_release(slow, RELEASE, WorkTime(held, 900)) == Report("succeeded")


async def test_handler_has_no_more_time_than_the_limit_even_if_the_lease_is_long() -> None:
    async def hang(_: Release) -> None:
        await asyncio.Event().wait()

    assert (await apply_release(hang, RELEASE, work_time(300, limit_s=0.1))).message == SAID_NOTHING


async def test_exception_text_stays_in_the_applier_s_own_log(caplog: pytest.LogCaptureFixture) -> None:
    said = await apply_release(raising(ValueError("token=abc"))[0], RELEASE, work_time())
    assert "token" not in said.message
    assert "token=abc" in caplog.text


@pytest.mark.parametrize(
    ("shown", "expected"),
    [(None, None), (Applied("v7", version="v7"), Report("succeeded", "v7", "v7")), ("yes", "unknown")],
)
async def test_reading_back_is_none_only_if_the_target_shows_that_nothing_was_made(
    shown: object, expected: object
) -> None:
    said = await read_back(lambda _: shown, RELEASE, WorkTime(None, 30))  # type: ignore[arg-type, return-value]
    assert (said.outcome if expected == "unknown" and said is not None else said) == expected


@pytest.mark.parametrize("error", [UnknownOutcomeError("No answer."), OSError(), FinalError("?")])
async def test_reading_back_that_fails_leaves_the_outcome_unknown(error: Exception) -> None:
    said = await read_back(raising(error)[0], RELEASE, WorkTime(None, 30))
    assert said is not None
    assert said.outcome == "unknown"


async def test_reading_back_is_tried_again() -> None:
    handler = after(1, lambda: RetryableError("Busy."), [], [])
    assert await read_back(handler, RELEASE, WorkTime(None, 30)) == Report("succeeded")


@pytest.mark.parametrize("field", ["request", "submission", "released", "at"])
def test_idempotency_key_is_another_one_for_every_other_release_and_log(field: str) -> None:
    other = msgspec.structs.replace(CHANGE, **{field: 9 if field in ("released", "at") else "0-9"})
    assert idempotency_key("a" * 64, other) != RELEASE.idempotency_key
    assert idempotency_key("b" * 64, CHANGE) != RELEASE.idempotency_key


def test_idempotency_key_stays_the_same_in_every_version() -> None:
    assert RELEASE.idempotency_key == "85238cf75a891b5182bad0b1d8b6314fd7361de69b809029bcfccfff442a805c"


@pytest.mark.parametrize("version", ["a b", "ä", "x" * 257])
async def test_R26_version_that_no_ledger_takes_does_not_spoil_the_report(version: str) -> None:
    report = await apply_release(lambda _: Applied("Done.", version), RELEASE, work_time())
    assert (report.outcome, report.version) == ("succeeded", "")
    assert report.message.startswith("Done. The version that it made is not reported")
    kept = await apply_release(lambda _: Applied("Done.", 'W/"17"'), RELEASE, work_time())
    assert (kept.message, kept.version) == ("Done.", 'W/"17"')
