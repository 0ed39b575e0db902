"""R29: queries about sets. Reading only."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import msgspec

from assent.store.named_sql import load_sql
from assent.store.pool import Executor
from assent_contracts.core.requests.states import ReleaseProgress
from assent_contracts.events import Status
from assent_contracts.set_members import SetMember

_SQL: Final = load_sql(Path(__file__).with_name("sets.sql"))


class MemberRow(msgspec.Struct, frozen=True):
    """The request of a set's member."""

    id: str
    resource: str
    status: Status
    progress: ReleaseProgress | None
    is_stale: bool
    """R26: whether the object has a newer version than the one that it was made from."""


async def members_of_set(
    db: Executor, request: str, requester: str, listed: Sequence[SetMember]
) -> list[MemberRow]:
    """The requests of a set's members, as far as they are in the tables, by their objects.

    `request`: the set's; `listed`: what its payload lists. A request that only names the set is not one.
    """
    rows = await db.fetch(
        _SQL["members_of_set"],
        request,
        requester,
        [each.resource for each in listed],
        [each.operation for each in listed],
        [each.digest for each in listed],
    )
    return [MemberRow(*row) for row in rows]
