"""What the answers about governance have in common: pages, versions, and reading one's own writes."""

import asyncio
import heapq
from collections.abc import Mapping
from typing import Annotated, Final, TypeVar

from litestar import Response
from litestar.di import Provide
from litestar.params import HeaderParameter, PathParameter, QueryParameter

from assent.gateway.application.governance_changes import POSITION
from assent.gateway.caller import Caller
from assent.gateway.gateway_components import Gateway
from assent.gateway.problems import Problem, malformed_problem
from assent.gateway.table_lag import AFTER_HEADER
from assent_contracts.core.governance.state import Governance
from assent_contracts.limits import NAME_MAX_CHARS

PAGE_MAX: Final = 200
GOVERNANCE_HEADER: Final = "assent-governance"
"""The seq of the governance state that an answer is based on."""
_WAIT_S: Final = 3.0
_SEQ_MAX_DIGITS: Final = 18

Id = Annotated[str, PathParameter(max_length=NAME_MAX_CHARS + 1, schema_extra={"maxLength": NAME_MAX_CHARS})]
PageCursor = Annotated[
    str | None, QueryParameter(max_length=NAME_MAX_CHARS, description="The `next` of the previous page.")
]
PageLimit = Annotated[int, QueryParameter(ge=1, le=PAGE_MAX)]
AfterGovernance = Annotated[
    str | None,
    HeaderParameter(
        name=AFTER_HEADER,
        max_length=40,
        schema_extra={"pattern": f"^{POSITION}[0-9]{{1,18}}$"},
        description="Answer once governance has reached this position: `governance-<seq>`.",
    ),
]

_T = TypeVar("_T")


def id_in(path: str) -> str:
    """The id at the end of a path. It can contain slashes, and the router puts one before it."""
    return path.removeprefix("/")


def page_of(by_id: Mapping[str, _T], cursor: str | None, limit: int) -> tuple[list[_T], str | None]:
    """The values after `cursor` in the order of their ids, and the cursor of the next page."""
    names = heapq.nsmallest(limit + 1, (name for name in by_id if cursor is None or name > cursor))
    shown = names[:limit]
    return [by_id[name] for name in shown], shown[-1] if len(names) > limit else None


async def governance_after(
    caller: Caller,  # noqa: ARG001  every signed-in account may see all of it
    gateway: Gateway,
    after: AfterGovernance = None,
) -> Governance:
    """The current governance, at least at the position `after`. Raises Problem: malformed, lagging."""
    if after is None:
        return gateway.log.governance
    seq = after.removeprefix(POSITION)
    if seq == after or not seq.isascii() or not seq.isdecimal() or len(seq) > _SEQ_MAX_DIGITS:
        raise malformed_problem(f"{AFTER_HEADER} is not {POSITION}<seq>: {after[:40]!r}.")
    try:
        async with asyncio.timeout(_WAIT_S):
            await gateway.log.follower.beyond(int(seq) - 1)
    except TimeoutError as error:
        raise Problem(
            503,
            "lagging",
            f"This gateway does not know {after} yet.",
            todo="Ask again after Retry-After seconds. The decision itself is final.",
            headers={"Retry-After": "1"},
        ) from error
    return gateway.log.governance


GOVERNANCE: Final = {"governance": Provide(governance_after)}
"""The dependencies of a handler about governance."""


def versioned(governance: Governance, answer: _T) -> Response[_T]:
    """An answer with the seq of the governance state that it is based on."""
    return Response(answer, headers={GOVERNANCE_HEADER: str(governance.seq)})
