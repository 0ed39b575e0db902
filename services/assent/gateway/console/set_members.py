"""R29: the objects of a set on its page, with what became of each."""

from collections import Counter
from typing import Final

import msgspec

from assent.gateway.gateway_components import Gateway
from assent.reading.submitted_content import Submitted
from assent.store.set_queries import members_of_set
from assent_contracts.set_members import set_members

PAGE: Final = 50
PAGES_MAX: Final = 20
"""Of `limits.SET_MEMBERS_MAX` members."""


class MemberLine(msgspec.Struct, frozen=True, kw_only=True):
    """One object of a set."""

    resource: str
    operation: str
    request: str | None
    """None as long as the tables have no request for it."""
    look: str | None
    is_stale: bool


class SetMembers(msgspec.Struct, frozen=True, kw_only=True):
    """One page of a set's objects, and how many there are of each status."""

    lines: tuple[MemberLine, ...]
    count: int
    known: int
    """How many of them have a request."""
    looks: tuple[tuple[str, int], ...]
    page: int
    pages: int


async def members_shown(gateway: Gateway, submitted: Submitted | None, page: int) -> SetMembers | None:
    """A page of the objects that a set's own submission lists, in its order. None for any other request.

    Only these are shown, whatever other requests name the set.
    """
    listed = None if submitted is None else set_members(bytes(submitted.payload))
    if submitted is None or not isinstance(submitted.details.members, int) or listed is None:
        return None
    found = {
        row.resource: row
        for row in await members_of_set(gateway.db, submitted.request, submitted.requester, listed)
    }
    pages = -(-len(listed) // PAGE)
    page = min(page, pages)
    lines: list[MemberLine] = []
    for each in listed[(page - 1) * PAGE : page * PAGE]:
        row = found.get(each.resource)
        lines.append(
            MemberLine(
                resource=each.resource,
                operation=each.operation,
                request=None if row is None else row.id,
                look=None if row is None else row.progress or row.status,
                is_stale=row is not None and row.is_stale,
            )
        )
    looks = Counter(row.progress or row.status for row in found.values())
    return SetMembers(
        lines=tuple(lines),
        count=len(listed),
        known=len(found),
        looks=tuple(looks.most_common()),
        page=page,
        pages=pages,
    )
