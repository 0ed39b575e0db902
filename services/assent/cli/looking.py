"""Look at requests: lists, and one with everything that was said about it."""

import asyncio

from assent.cli import output
from assent.cli.options import Options, Sender
from assent.cli.reach import Reach, following, governance_of, key_of, reach, reading
from assent.cli.showing import GovernanceDiff, governance_diff, history, print_request
from assent.cli.views import audit_entry, print_requests
from assent.core.governance.state import Governance
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
from assent_contracts.policies import ADMINISTRATORS, RESERVED_PREFIX, administrators_of
from assent_contracts.resources import parse_request_id

_APPEARS_WITHIN_S = 2.0


def requests(*, mine: bool, received: bool, limit: int, sender: Sender, options: Options) -> None:
    """`assent requests`."""
    principal = key_of(sender, options).principal if mine or received else None
    rows = asyncio.run(_list(reach(options), principal, mine=mine, limit=limit))
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
            wanted = RequestFilter(requester=principal)
        elif principal is not None:
            asked = await groups_of_open_policy_requests(db)
            wanted = RequestFilter(groups=received_groups(governance, principal, asked))
        return await list_requests(db, wanted, ended_since_ms=since, limit=limit)


def received_groups(governance: Governance, principal: str, asked: list[str]) -> list[str]:
    """R7: the groups whose requests this account decides on, those of the administrators among them."""
    groups = [group for group in governance.groups if principal in governance.members(group)]
    kinds = {
        *(policy.resource_type for policy in governance.policies.values()),
        *(kind for each in governance.assignments.values() for kind in each.resource_types),
    }
    virtual = {name for name in asked if name.startswith(RESERVED_PREFIX)}
    administrators = sorted({ADMINISTRATORS, *map(administrators_of, kinds), *virtual})
    return groups + [group for group in administrators if principal in governance.members(group)]


def show(request: str, *, payload: bool, options: Options) -> None:
    """`assent show`."""
    to = reach(options)

    async def look() -> tuple[RequestView, list[AuditRow], GovernanceDiff | None]:
        row = await find(to, request)
        async with reading(to) as db:
            records = await timeline(db, request)
        return row, records, None if payload else await governance_diff(to, row, records)

    row, records, diff = asyncio.run(look())
    entries = [audit_entry(record) for record in records]
    if payload:
        if not entries:
            output.fail(f"The submission of {request} is not in the audit log yet; try again.")
        output.write_bytes(bytes(entries[0].words.payload))
    elif options.json:
        document = {"request": row, "timeline": entries, "history": history(records)}
        output.print_json(document if diff is None else {**document, "change": diff})
    else:
        print_request(row, entries, history(records), diff)


async def find(to: Reach, request: str) -> RequestView:
    """A request as it stands; ends the command when there is none."""
    place = parse_request_id(request)
    if place is None:
        output.fail(f"{request!r} is no request id; they look like 2-1041, and `assent requests` lists them.")
    async with reading(to) as db:
        deadline = asyncio.get_running_loop().time() + _APPEARS_WITHIN_S
        while (row := await show_request(db, request)) is None:
            head = (await heads(db)).get(place[0])
            known = head is not None and head.seq >= place[1]
            # One that was just submitted may not be in the tables yet.
            if known or asyncio.get_running_loop().time() > deadline:
                output.fail(f"There is no request {request}; `assent requests` lists them.")
            await asyncio.sleep(0.05)
        return row
