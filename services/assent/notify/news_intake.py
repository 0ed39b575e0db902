"""R17: turns accepted records into outbox messages, in the transaction that moves the position."""

from collections.abc import Sequence
from typing import Final

from aiokafka import TopicPartition
from msgspec import UNSET

from assent.notify.audience import (
    approvers,
    asks_approvers,
    asks_settlers,
    enabled_accounts,
    hear_of_key,
    requester_hears,
    settlers,
)
from assent.notify.facts import asking, facts_of, facts_of_key
from assent.notify.finding_news import finding_news
from assent.notify.known_requests import KnownRequest, keep_requests, read_requests
from assent.notify.new_approvers import NewApprovers, governance_told, stale_before
from assent.notify.outbox import add_messages, listening, to_recipients
from assent.reading.sender_text import sender_text
from assent.store.pool import PostgresConnection
from assent.targets.news import News
from assent_contracts.acceptance import Accepted
from assent_contracts.client.follower import GovernanceFollower
from assent_contracts.client.publisher import now_ms
from assent_contracts.events import ChangeSubmitted, Event, FindingReported, OfNoRequest, RequestEvent
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
_GOVERNANCE_PARTITION: Final = 0
"""The event of a message distinguishes it from those of the request ledger."""


class MissingRequestError(Exception):
    """A record is about a request that was never opened: the tables do not match the position."""


_Decided = tuple[LedgerRecord, tuple[Event, ...]]
_Told = tuple[LedgerRecord, tuple[RequestEvent, ...]]


class NewsIntake:
    """Writes the outbox's rows. A projector calls `write`."""

    def __init__(self, follower: GovernanceFollower) -> None:
        """`follower` must have been started."""
        self._follower = follower
        self._newcomers = NewApprovers(follower)

    async def write(
        self, connection: PostgresConnection, place: TopicPartition, accepted: Sequence[Accepted]
    ) -> None:
        """Add the messages of these records. Raises MissingRequestError, KafkaError."""
        if place.topic == GOVERNANCE:
            await self._newcomers.write(connection, accepted)
            await self._write_governance(connection, accepted)
            return
        decided = [(each.record, decode_events(each.record)) for each in accepted]
        partition = place.partition
        await self._write_findings(connection, partition, decided)
        told = [each for each in map(_of_requests, decided) if each[1]]
        if not told:
            return
        known = await governance_told(connection)
        requests = await _known_requests(connection, partition, told, known)
        listeners = await listening(connection)
        oldest = stale_before()
        batch: list[tuple[News, str]] = []
        for record, events in told:
            seq = _seq_of(events[0].request)
            request = requests[seq] = requests[seq].after(events, record.at, record.seq)
            if listeners and record.at >= oldest:
                for news in await self._news(record, events, request, listeners, known):
                    batch += to_recipients(news)
            if len(batch) >= ROWS_AT_ONCE:
                await add_messages(connection, partition, batch)
                batch = []
        await add_messages(connection, partition, batch)
        opened = frozenset(record.seq for record, events in told if isinstance(events[0], ChangeSubmitted))
        await keep_requests(connection, partition, tuple(requests.values()), opened)

    async def _write_findings(
        self, connection: PostgresConnection, partition: int, decided: Sequence[_Decided]
    ) -> None:
        opened = [each for each in decided if any(isinstance(event, FindingReported) for event in each[1])]
        listeners = await listening(connection) if opened else frozenset[str]()
        oldest = stale_before()
        batch: list[tuple[News, str]] = []
        for record, events in opened if listeners else ():
            if record.at >= oldest:
                for news in await finding_news(record, events, self._follower, listeners):
                    batch += to_recipients(news)
            if len(batch) >= ROWS_AT_ONCE:
                await add_messages(connection, partition, batch)
                batch = []
        await add_messages(connection, partition, batch)

    async def _write_governance(self, connection: PostgresConnection, accepted: Sequence[Accepted]) -> None:
        listeners = await listening(connection)
        oldest = stale_before()
        batch: list[tuple[News, str]] = []
        for each in accepted:
            if listeners and each.record.at >= oldest:
                for news in await self._of_governance(each.record, listeners):
                    batch += to_recipients(news)
        await add_messages(connection, _GOVERNANCE_PARTITION, batch)

    async def _of_governance(self, record: LedgerRecord, listeners: frozenset[str]) -> list[News]:
        keys = [each.key for each in decode_governance_events(record) if isinstance(each, KeyRegistered)]
        if not keys:
            return []
        governance = await self._follower.state_at(record.seq)
        if governance.founder is not None:
            # The founder of the log knows the keys in its file.
            return []
        return [
            News(
                record.seq,
                record.at,
                key_object(key.id),
                "key-registered",
                hear_of_key(governance, key, listeners),
                facts_of_key(record, key, governance),
            )
            for key in keys
        ]

    async def _news(
        self,
        record: LedgerRecord,
        events: tuple[RequestEvent, ...],
        request: KnownRequest,
        listeners: frozenset[str],
        known: int,
    ) -> list[News]:
        """`request`: after the record. `known`: the governance seq up to which newcomers were notified."""
        if record.governance is UNSET:
            msg = f"{events[0].request}, seq {record.seq}: decided under no governance"
            raise IncoherentRecordError(msg)
        submission, about = request.submission, events[0].request
        governance = await self._follower.state_at(record.governance)
        facts, news = facts_of(record, events, request, governance), list[News]()
        event = requester_hears(events, part_of=submission.part_of)
        own = frozenset(each for each in (submission.requester, submission.on_behalf_of) if each is not None)
        if event is not None:
            hear = enabled_accounts(governance, listeners & own)
            if asks_settlers(events, request.state):
                hear |= settlers(request.state, governance, record.at, listeners)
            news.append(News(record.seq, record.at, about, event, hear, facts))
        elif asks_settlers(events, request.state):
            hear = settlers(request.state, governance, record.at, listeners - {facts.by})
            news.append(News(record.seq, record.at, about, "settlement-proposed", hear, facts))
        is_member = submission.part_of is not None
        if isinstance(events[0], ChangeSubmitted) and submission.on_behalf_of is not None and not is_member:
            hear = enabled_accounts(governance, listeners & {submission.on_behalf_of})
            news.append(News(record.seq, record.at, about, "submitted-for-you", hear, facts))
        if asks_approvers(events, request.state):
            able = await self._able(record.governance, record.at, request, listeners, known)
            facts = asking(request, governance)
            news.append(News(record.seq, record.at, about, "needs-approval", able, facts))
        return news

    async def _able(
        self, decided: int, at: int, request: KnownRequest, listeners: frozenset[str], known: int
    ) -> frozenset[str]:
        """Who can approve the request, which was decided under governance seq `decided` at `at` (ms).

        R21: newcomers were notified up to `known`, when this request was not known yet. So those who can
        approve it by then are notified with it, and its time is that of now.
        """
        if known > decided:
            decided, at = known, max(at, now_ms())
        return approvers(request.state, await self._follower.state_at(decided), at, listeners)


def _of_requests(decided: _Decided) -> _Told:
    # A record is about one request, so all its events name the request that the first one names.
    record, events = decided
    return record, tuple(event for event in events if not isinstance(event, OfNoRequest))


def _seq_of(request: str) -> int:
    # `<partition>-<seq>`, from an accepted record: well-formed and of this partition.
    return int(request[request.index("-") + 1 :])


async def _known_requests(
    connection: PostgresConnection, partition: int, told: Sequence[_Told], known: int
) -> dict[int, KnownRequest]:
    """By seq, the requests that these records are about, as they were before these records.

    `known`: the governance seq as of which, at least, the approvers of new ones are notified.
    """
    requests: dict[int, KnownRequest] = {}
    for record, (first, *_) in told:
        if isinstance(first, ChangeSubmitted):
            governance = record.governance if isinstance(record.governance, int) else -1
            justification = sender_text(record).justification
            requests[record.seq] = KnownRequest.opened(
                first, record.seq, justification, max(governance, known)
            )
    needed = {_seq_of(events[0].request) for _, events in told} - requests.keys()
    if needed:
        requests |= await read_requests(connection, partition, needed)
    if missing := needed - requests.keys():
        msg = f"requests {sorted(missing)[:10]} of partition {partition} are not known"
        raise MissingRequestError(msg)
    return requests
