"""R17: turns accepted records into outbox messages, in the transaction that moves the position."""

import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

import msgspec
from aiokafka import TopicPartition
from msgspec import UNSET

from assent.notify.audience import (
    administrators,
    enabled_accounts,
    hear_of_key,
    needs_approval_again,
    requester_hears,
    waits_for_approval,
)
from assent.notify.governance_by_partition import GovernanceByPartition
from assent.notify.new_approvers import STALE_AFTER_MS, NewApprovers, approvers_of, governance_told
from assent.notify.outbox import add_messages, listening
from assent.reading.sender_text import failure_message, sender_text
from assent.store.named_sql import load_sql
from assent.store.pool import PostgresConnection
from assent.targets.news import Facts, MadeRequest, News
from assent_contracts.acceptance import Accepted
from assent_contracts.client.follower import GovernanceFollower
from assent_contracts.events import (
    ChangeReleased,
    ChangeSubmitted,
    OfNoRequest,
    OutcomeUnknown,
    RequestEnd,
    RequestEvent,
)
from assent_contracts.governance_changes import key_object
from assent_contracts.governance_messages import KeyRegistered
from assent_contracts.ledger import (
    IncoherentRecordError,
    LedgerRecord,
    decode_events,
    decode_governance_events,
)
from assent_contracts.topics import GOVERNANCE

ROWS_AT_ONCE: Final = 5_000
_GOVERNANCE: Final = -1
"""The key of the governance ledger among the partitions of `PastGovernance`."""
_GOVERNANCE_PARTITION: Final = 0
"""The event of a message distinguishes it from those of the request ledger."""
_SQL = load_sql(Path(__file__).with_name("outbox.sql"))


class MissingRequestError(Exception):
    """A record is about a request that was never opened: the tables do not match the position."""


_Told = tuple[LedgerRecord, tuple[RequestEvent, ...]]


class NewsIntake:
    """Writes the outbox's rows. A projector calls `write`."""

    def __init__(self, follower: GovernanceFollower) -> None:
        """`follower` must have been started."""
        self._past = GovernanceByPartition(follower)
        self._latest = GovernanceByPartition(follower)
        self._newcomers = NewApprovers(follower)

    async def write(
        self, connection: PostgresConnection, place: TopicPartition, accepted: Sequence[Accepted]
    ) -> None:
        """Add the messages of these records. Raises MissingRequestError, KafkaError."""
        if place.topic == GOVERNANCE:
            await self._newcomers.write(connection, accepted)
            await self._write_governance(connection, accepted)
            return
        told = [each for each in map(_told, accepted) if each[1]]
        if not told:
            return
        partition = place.partition
        known = await governance_told(connection)
        requests = await _known_requests(connection, partition, told)
        listeners = await listening(connection)
        stale_before = _stale_before()
        batch: list[tuple[News, str]] = []
        for record, events in told:
            if listeners and record.at >= stale_before:
                for news in await self._news(partition, record, events, requests, listeners, known):
                    batch += ((news, recipient) for recipient in sorted(news.recipients))
            if len(batch) >= ROWS_AT_ONCE:
                await add_messages(connection, partition, batch)
                batch = []
        await add_messages(connection, partition, batch)
        await _keep(connection, partition, told, requests, known)

    async def _write_governance(self, connection: PostgresConnection, accepted: Sequence[Accepted]) -> None:
        listeners = await listening(connection)
        stale_before = _stale_before()
        batch: list[tuple[News, str]] = []
        for each in accepted:
            if listeners and each.record.at >= stale_before:
                for news in await self._of_governance(each.record, listeners):
                    batch += ((news, recipient) for recipient in sorted(news.recipients))
        await add_messages(connection, _GOVERNANCE_PARTITION, batch)

    async def _of_governance(self, record: LedgerRecord, listeners: frozenset[str]) -> list[News]:
        keys = [each.key for each in decode_governance_events(record) if isinstance(each, KeyRegistered)]
        if not keys:
            return []
        governance = await self._past.at(_GOVERNANCE, record.seq)
        if governance.founder is not None:
            # The founder of the log knows the keys in its file.
            return []
        by = sender_text(record)
        return [
            News(
                record.seq,
                record.at,
                key_object(key.id),
                "key-registered",
                hear_of_key(governance, key, listeners),
                Facts(resource=key.id, operation="create", requester=key.principal, by=by.principal),
            )
            for key in keys
        ]

    async def _news(
        self,
        partition: int,
        record: LedgerRecord,
        events: tuple[RequestEvent, ...],
        requests: dict[int, MadeRequest],
        listeners: frozenset[str],
        known: int,
    ) -> list[News]:
        request = requests[_seq_of(events[0].request)]
        if record.governance is UNSET:
            msg = f"partition {partition}, seq {record.seq}: decided under no governance"
            raise IncoherentRecordError(msg)
        governance = await self._past.at(partition, record.governance)
        facts, news = facts_of(record, events, request), list[News]()
        event = requester_hears(events)
        if event is not None:
            hear = enabled_accounts(governance, listeners & {request.requester, request.on_behalf_of})
            if any(isinstance(each, OutcomeUnknown) for each in events):
                hear |= administrators(governance, request.resource, listeners)
            news.append(News(record.seq, record.at, events[0].request, event, hear, facts))
        if isinstance(events[0], ChangeSubmitted) and request.on_behalf_of is not None:
            hear = enabled_accounts(governance, listeners & {request.on_behalf_of})
            news.append(News(record.seq, record.at, events[0].request, "submitted-for-you", hear, facts))
        if isinstance(events[0], ChangeSubmitted) or needs_approval_again(events):
            if not isinstance(events[0], ChangeSubmitted):
                # The command's text was not about why the change is needed.
                facts = msgspec.structs.replace(facts, words="")
            able = approvers_of(governance, request, listeners)
            if known > record.governance:
                # R21: people who became approvers before this request was known here are notified too.
                able |= approvers_of(await self._latest.at(0, known), request, listeners)
            news.append(News(record.seq, record.at, events[0].request, "needs-approval", able, facts))
        return news


def _stale_before() -> int:
    return time.time_ns() // 1_000_000 - STALE_AFTER_MS


def facts_of(record: LedgerRecord, events: Iterable[RequestEvent], request: MadeRequest) -> Facts:
    """The facts for the texts about a record."""
    sent = sender_text(record)
    outcome = next((message for event in events if (message := failure_message(event, sent))), "")
    return Facts(
        resource=request.resource,
        operation=request.operation,
        requester=request.requester,
        on_behalf_of=request.on_behalf_of or "",
        by=sent.principal,
        words=outcome or sent.justification or sent.note or sent.reason,
        released=any(isinstance(event, ChangeReleased) for event in events),
    )


def _told(accepted: Accepted) -> _Told:
    # A record is about one request, so all its events name the request that the first one names.
    events = decode_events(accepted.record)
    return accepted.record, tuple(event for event in events if not isinstance(event, OfNoRequest))


def _seq_of(request: str) -> int:
    # `<partition>-<seq>`, from an accepted record: well-formed and of this partition.
    return int(request[request.index("-") + 1 :])


async def _known_requests(
    connection: PostgresConnection, partition: int, told: Sequence[_Told]
) -> dict[int, MadeRequest]:
    """The requests that these records are about, by seq."""
    requests: dict[int, MadeRequest] = {}
    for record, (first, *_) in told:
        if isinstance(first, ChangeSubmitted):
            terms = msgspec.Raw(msgspec.json.encode(first.terms))
            requests[record.seq] = MadeRequest(
                first.requester,
                first.person,
                first.resource,
                first.operation,
                terms,
                None if first.on_behalf_of is UNSET else first.on_behalf_of,
                record.governance if isinstance(record.governance, int) else -1,
            )
    needed = {_seq_of(events[0].request) for _, events in told} - requests.keys()
    if needed:
        for seq, *fields in await connection.fetch(_SQL["read_requests"], partition, list(needed)):
            requests[seq] = MadeRequest(*fields)
    if missing := needed - requests.keys():
        msg = f"requests {sorted(missing)[:10]} of partition {partition} are not known"
        raise MissingRequestError(msg)
    return requests


async def _keep(
    connection: PostgresConnection,
    partition: int,
    told: Sequence[_Told],
    requests: dict[int, MadeRequest],
    known: int,
) -> None:
    """Keep newly opened requests for later news about them, and forget those that have ended."""
    opened = {record.seq for record, events in told if isinstance(events[0], ChangeSubmitted)}
    ended = {
        _seq_of(events[0].request)
        for _, events in told
        if any(isinstance(event, RequestEnd) for event in events)
    }
    if new := sorted(opened - ended):
        rows = [requests[seq] for seq in new]
        columns = [
            [row.requester for row in rows],
            [row.person for row in rows],
            [row.resource for row in rows],
            [row.operation for row in rows],
            [bytes(row.terms).decode() for row in rows],
            [row.on_behalf_of for row in rows],
            [max(row.governance, known) for row in rows],
        ]
        await connection.execute(_SQL["add_requests"], partition, new, *columns)
    waits = {
        _seq_of(events[0].request): answer
        for _, events in told
        if (answer := waits_for_approval(events)) is not None
    }
    if waiting := {seq: waits[seq] for seq in sorted(waits.keys() - ended)}:
        await connection.execute(_SQL["mark_requests"], partition, [*waiting], [*waiting.values()])
    if old := sorted(ended - opened):
        await connection.execute(_SQL["remove_requests"], partition, old)
