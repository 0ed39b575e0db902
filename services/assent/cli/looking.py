"""Look at requests: lists, and one with everything that was said about it."""

import asyncio
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from assent.cli import output
from assent.cli.options import Options, Sender
from assent.cli.reach import (
    Reach,
    Server,
    Way,
    following,
    governance_at,
    governance_of,
    key_of,
    reading,
    way,
)
from assent.cli.showing import Shown, print_request
from assent.cli.views import print_requests
from assent.reading.counting import counted
from assent.reading.entries import audit_entry
from assent.reading.governance_diff import GovernanceDiff, changes_governance, governance_diff
from assent.reading.history import history
from assent.reading.received import received_groups, received_types
from assent.store.queries import (
    AuditRow,
    RequestFilter,
    RequestView,
    groups_of_open_policy_requests,
    heads,
    list_requests,
    show_request,
    timeline,
)
from assent_contracts.client.publisher import now_ms
from assent_contracts.digests import sha256_hex
from assent_contracts.files import file_of_payload
from assent_contracts.resources import parse_request_id
from assent_contracts.topics import LEDGER

_APPEARS_WITHIN_S = 5.0


def requests(*, mine: bool, received: bool, limit: int, sender: Sender, options: Options) -> None:
    """`assent requests`."""
    # Who asks is settled first: without that there is nothing to reach for.
    principal = key_of(sender, options).principal if mine or received else None
    to = way(sender, options)
    if isinstance(to, Server):
        from assent.cli import server

        view = "mine" if mine else "received" if received else "all"
        rows = asyncio.run(server.requests(to, view, limit))
    else:
        rows = asyncio.run(_list(to, principal, mine=mine, limit=limit))
    if options.json:
        output.print_json(rows)
    else:
        print_requests(rows, now_ms())


async def _list(to: Reach, principal: str | None, *, mine: bool, limit: int) -> list[RequestView]:
    async with following(to) as follower:
        governance = governance_of(follower)
    since = now_ms() - governance.settings.visibility_ms
    async with reading(to) as db:
        wanted = RequestFilter()
        if principal is not None and mine:
            found = governance.principals.get(principal)
            # R9, R20: what was asked for from any of the person's accounts, and on their behalf.
            wanted = (
                RequestFilter(requester=principal)
                if found is None or found.person is None
                else RequestFilter(person=found.person)
            )
        elif principal is not None:
            asked = await groups_of_open_policy_requests(db)
            wanted = RequestFilter(
                groups=received_groups(governance, principal, asked),
                types=received_types(governance, principal),
            )
        rows = await list_requests(db, wanted, ended_since_ms=since, limit=limit)
    return [counted(row, governance) for row in rows]


def show(request: str, *, payload: bool, save: Path | None, sender: Sender, options: Options) -> None:
    """`assent show`."""
    to = way(sender, options)
    shown = asyncio.run(_look(to, request))
    row, entries, diff = shown.request, shown.timeline, shown.change
    if payload or save is not None:
        submitted = next((each.words.payload for each in entries if each.ledger == LEDGER), None)
        if submitted is None:
            output.fail(f"The submission of {request} is not in the audit log yet; try again.")
        _give(bytes(submitted), save)
    elif options.json:
        document = {"request": row, "timeline": entries, "history": shown.history}
        output.print_json(document if diff is None else {**document, "change": diff})
    else:
        print_request(row, entries, shown.history, diff)


def _give(payload: bytes, save: Path | None) -> None:
    if save is None:
        output.write_bytes(payload)
        return
    file = file_of_payload(payload)
    content = payload if file is None else file
    # A file that is there is never written over.
    with save.open("xb") as opened:
        opened.write(content)
    output.say(f"{save}: {len(content):,} bytes, SHA-256 {sha256_hex(content)}")


async def _look(to: Way, request: str) -> Shown:
    if isinstance(to, Server):
        from assent.cli import server

        return await server.shown(to, request)
    row = await find(to, request)
    async with reading(to) as db:
        records = await timeline(db, request)
    async with following(to) as follower:
        row = counted(row, governance_of(follower))
    return Shown(
        request=row,
        timeline=[audit_entry(record) for record in records],
        history=history(records),
        change=await _governance_diff(to, row, records),
    )


async def _governance_diff(to: Reach, row: RequestView, records: Sequence[AuditRow]) -> GovernanceDiff | None:
    if not changes_governance(row):
        return None
    async with following(to) as follower:
        return governance_diff(row, records, partial(governance_at, follower))


async def find(to: Way, request: str) -> RequestView:
    """A request as it stands; ends the command when there is none."""
    if isinstance(to, Server):
        from assent.cli import server

        return (await server.shown(to, request)).request
    place = parse_request_id(request)
    if place is None:
        output.fail(f"{request!r} is no request id; they look like 2-1041, and `assent requests` lists them.")
    async with reading(to) as db:
        deadline = asyncio.get_running_loop().time() + _APPEARS_WITHIN_S
        while (row := await show_request(db, request)) is None:
            head = (await heads(db)).get(place[0])
            known = head is not None and head.seq >= place[1]
            # One that was just submitted may not be in the tables yet.
            if known:
                output.fail(f"There is no request {request}; `assent requests` lists them.")
            if asyncio.get_running_loop().time() > deadline:
                output.fail(
                    f"There is no request {request} yet: the lists have come to"
                    f" {place[0]}-{-1 if head is None else head.seq}. If it was just submitted, try again;"
                    " `assent doctor` says how far the lists are behind."
                )
            await asyncio.sleep(0.05)
        return row
