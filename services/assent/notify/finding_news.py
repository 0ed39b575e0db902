"""R28: turns reports of findings into messages for those who can close them."""

from collections.abc import Sequence

from msgspec import UNSET

from assent.notify.audience import finding_closers
from assent.notify.facts import facts_of_finding
from assent.targets.news import News
from assent_contracts.client.follower import GovernanceFollower
from assent_contracts.events import Event, FindingReported
from assent_contracts.ledger import IncoherentRecordError, LedgerRecord
from assent_contracts.resources import resource_type


async def finding_news(
    record: LedgerRecord,
    events: Sequence[Event],
    follower: GovernanceFollower,
    listeners: frozenset[str],
) -> list[News]:
    """What `listeners` are notified of a record about findings.

    A finding of the kind `restored` is never open, and nobody has to look at it. Raises KafkaError.
    """
    news: list[News] = []
    for event in events:
        if not isinstance(event, FindingReported) or event.kind == "restored":
            continue
        if record.governance is UNSET:
            msg = f"{event.finding}, seq {record.seq}: decided under no governance"
            raise IncoherentRecordError(msg)
        governance = await follower.state_at(record.governance)
        hear = finding_closers(governance, resource_type(event.resource), listeners)
        facts = facts_of_finding(record, event, governance)
        news.append(News(record.seq, record.at, event.finding, "finding-opened", hear, facts))
    return news
