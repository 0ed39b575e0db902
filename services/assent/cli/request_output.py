"""Look at requests: lists, and one with everything that was said about it."""

import asyncio
from pathlib import Path

import msgspec

from assent.cli import output
from assent.cli.formatting import print_requests
from assent.cli.log_access import (
    LogAccess,
    Server,
    Way,
    following,
    governance_of,
    key_of,
    reading,
    way,
)
from assent.cli.lost_rows import tell_lost_rows
from assent.cli.options import Options, Sender
from assent.cli.showing import Shown, print_request
from assent.cli.submission import proven
from assent.reading.counting import counted
from assent.reading.entries import Entry, Words, audit_entry
from assent.reading.history import history
from assent.reading.received import received_groups, received_types
from assent.reading.submitted import Submitted, as_submitted
from assent.store.queries import (
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
from assent_contracts.proof import NotProven
from assent_contracts.resources import parse_request_id, request_id
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


async def _list(to: LogAccess, principal: str | None, *, mine: bool, limit: int) -> list[RequestView]:
    async with following(to) as follower:
        governance = governance_of(follower)
    since = now_ms() - governance.settings.visibility_ms
    async with reading(to) as db:
        await tell_lost_rows(to, db)
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
    shown, submitted = asyncio.run(_look(to, request))
    if shown.doubt is not None:
        output.complain(f"What was submitted is not proven: {shown.doubt} Decide on nothing that this shows.")
    if payload or save is not None:
        if submitted is None:
            output.fail(f"The payload of {request} is not proven.", output.NOT_DECIDED)
        _give(bytes(submitted.payload), save)
    elif options.json:
        document = {"request": shown.request, "timeline": shown.timeline, "history": shown.history}
        if shown.change is not None:
            document["change"] = shown.change
        output.print_json(document | ({"doubt": shown.doubt} if shown.doubt else {}))
    else:
        print_request(shown, None if submitted is None else bytes(submitted.payload))


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


async def _look(to: Way, request: str) -> tuple[Shown, Submitted | None]:
    """A request, and what was submitted, where that is proven: all that is shown of it is from there."""
    shown = await _told(to, request)
    found = await proven(to, request)
    if isinstance(found, NotProven):
        return msgspec.structs.replace(shown, change=None, doubt=found.why), None
    submitted = found.submitted
    return Shown(
        request=as_submitted(shown.request, submitted),
        timeline=[_with_words(entry, submitted) for entry in shown.timeline],
        history=shown.history,
        change=found.change,
    ), submitted


def _with_words(entry: Entry, submitted: Submitted) -> Entry:
    """The timeline's entry; that of the submission with what was really submitted."""
    if entry.ledger != LEDGER or request_id(entry.partition, entry.seq) != submitted.request:
        return entry
    words = Words(
        operation=submitted.operation, justification=submitted.justification, payload=submitted.payload
    )
    return msgspec.structs.replace(
        entry, resource=submitted.resource, principal=submitted.requester, words=words
    )


async def _told(to: Way, request: str) -> Shown:
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
        change=None,
    )


async def find(to: Way, request: str) -> RequestView:
    """A request as it stands; ends the command when there is none."""
    if isinstance(to, Server):
        from assent.cli import server

        return (await server.shown(to, request)).request
    place = parse_request_id(request)
    if place is None:
        output.fail(f"{request!r} is no request id; they look like 2-1041, and `assent requests` lists them.")
    async with reading(to) as db:
        await tell_lost_rows(to, db)
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
