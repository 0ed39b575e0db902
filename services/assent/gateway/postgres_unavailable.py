"""Answers when Postgres cannot be used: 503 with what is wrong and what to do, never a 500."""

from collections.abc import Mapping
from typing import Any, Final

import asyncpg
import structlog
from litestar import Request, Response

from assent.gateway.console.error_pages import OnError, or_page
from assent.gateway.problems import Problem, on_problem
from assent.store.postgres_reasons import postgres_reason

_ERRORS: Final[tuple[type[Exception], ...]] = (
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    OSError,
)
"""Errors of the Postgres client. OSError includes TimeoutError and errors of sockets."""
_RETRY_AFTER_S: Final = "5"


def on_tables(otherwise: OnError) -> Mapping[type[Exception], OnError]:
    """An application's handlers for errors of the Postgres client; `otherwise`: for our own faults."""

    def answer(request: Request[Any, Any, Any], error: Exception) -> Response[Any]:
        problem = tables_unreachable(error)
        if problem is None:
            return otherwise(request, error)
        structlog.get_logger().error("the tables do not answer", exc_info=error)
        return or_page(on_problem)(request, problem)

    return dict.fromkeys(_ERRORS, answer)


def tables_unreachable(error: Exception) -> Problem | None:
    """The problem for an error of the Postgres client; None for another kind of error."""
    reason = postgres_reason(error)
    if reason is None:
        return None
    return Problem(
        503,
        "tables-unreachable",
        f"The tables do not answer. {reason.why}",
        todo=f"Try again in a moment. For the operator: {reason.todo[0].lower()}{reason.todo[1:]}",
        headers={"Retry-After": _RETRY_AFTER_S},
    )
