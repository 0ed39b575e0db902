"""/health: whether the components work, and how far each reader is behind the log."""

from collections.abc import Mapping
from typing import Any, Final

import msgspec
from litestar import Request, Response, get

from assent.gateway.caller import Caller
from assent.gateway.console.pages import page
from assent.gateway.gateway_components import Gateway
from assent.store.positions import Reader
from assent.store.queries import projected_heads
from assent_contracts.acceptance import Head
from assent_contracts.topics import GOVERNANCE, LEDGER

_READERS: Final[tuple[Reader, ...]] = ("status", "audit", "notify")


class ReaderView(msgspec.Struct, frozen=True, kw_only=True):
    """One reader's progress."""

    name: str
    records: int
    """Ledger records that it has read."""
    behind: int
    """Counted only for partitions in which the log has everything that the reader has."""
    beyond: tuple[int, ...]
    """The partitions in which the reader has more than the log."""
    runs: bool
    """Whether it has ever stored a position."""


@get("/health", include_in_schema=False)
async def show_health(request: Request[Any, Any, Any], caller: Caller, gateway: Gateway) -> Response[str]:
    """Show the state of the system."""
    requests: dict[Reader, dict[int, Head]] = {
        reader: await projected_heads(gateway.db, reader, LEDGER) for reader in _READERS
    }
    governance = {reader: await projected_heads(gateway.db, reader, GOVERNANCE) for reader in _READERS}
    newest = _newest(gateway, requests)
    ends = {partition: finding.found for partition, finding in gateway.log.publisher.findings.items()}
    followed = len(gateway.log.follower.history) - 1
    return await page(
        request,
        gateway,
        caller,
        "health.html",
        missing=gateway.health.missing(),
        readers=[
            _view(name, requests[name], newest, ends)
            for name in _READERS
            if requests[name] or governance[name] or name != "notify"
        ],
        records=sum(seq + 1 for seq in newest.values()),
        governance=followed + 1,
        partitions=gateway.log.governance.partitions,
    )


def _newest(gateway: Gateway, requests: Mapping[Reader, Mapping[int, Head]]) -> dict[int, int]:
    # What this gateway has received, and what a reader has from before this gateway started.
    newest = dict(gateway.lag.heard_up_to())
    for places in requests.values():
        for partition, head in places.items():
            newest[partition] = max(head.seq, newest.get(partition, -1))
    return newest


def _view(
    name: str, places: Mapping[int, Head], newest: Mapping[int, int], ends: Mapping[int, int]
) -> ReaderView:
    return ReaderView(
        name=name,
        records=sum(head.seq + 1 for head in places.values()),
        # Never negative, and without partitions in which the log itself lacks records.
        behind=sum(
            max(0, seq - (places[partition].seq if partition in places else -1))
            for partition, seq in newest.items()
            if partition not in ends
        ),
        beyond=tuple(
            partition
            for partition, end in sorted(ends.items())
            if partition in places and places[partition].next_offset > end
        ),
        runs=bool(places),
    )
