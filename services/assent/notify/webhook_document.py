"""The JSON documents that webhooks get."""

from datetime import UTC, datetime
from typing import Any

import msgspec

from assent.notify.delivery import Message, TargetTest
from assent.notify.message_texts import link_to, link_to_finding, link_to_targets
from assent.targets.news import OF_FINDINGS, OF_GOVERNANCE, STATUS


def document_of(message: Message, public_url: str | None) -> str:
    """The message as JSON: {type, timestamp, data}, the same bytes at every attempt.

    Texts are in it as people wrote them. Fields may be added; a receiver ignores those that it does not know.
    """
    if message.event in OF_GOVERNANCE:
        kind, data = f"governance.{message.event}", _data_of_governance(message)
    elif message.event in OF_FINDINGS:
        kind, data = "finding.opened", _data_of_finding(message, public_url)
    else:
        kind, data = f"request.{message.event}", _data_of_request(message, public_url)
    at = datetime.fromtimestamp(message.at / 1_000, UTC)
    return _document(f"assent.{kind}", at, data)


def document_of_test(test: TargetTest, public_url: str | None) -> str:
    """The test message as JSON."""
    data = {"target": str(test.target), "link": link_to_targets(public_url)}
    return _document("assent.test", test.asked_at.astimezone(UTC), data)


def _document(kind: str, at: datetime, data: dict[str, Any]) -> str:
    timestamp = at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return msgspec.json.encode({"type": kind, "timestamp": timestamp, "data": data}).decode()


def _data_of_governance(message: Message) -> dict[str, Any]:
    return {
        "object": message.request,
        "principal": message.facts.requester,
        "by": message.facts.by,
        "position": {"governance": message.seq},
    }


def _data_of_finding(message: Message, public_url: str | None) -> dict[str, Any]:
    facts = message.facts
    return {
        "finding": message.request,
        "resource": facts.resource,
        "target": facts.target,
        "kind": facts.kind,
        **({"version": facts.version} if facts.version else {}),
        **({"request": facts.made_by} if facts.made_by else {}),
        "reporter": facts.by,
        "detail": facts.words,
        "link": link_to_finding(message.request, public_url),
        "position": {"partition": message.partition, "seq": message.seq},
    }


def _data_of_request(message: Message, public_url: str | None) -> dict[str, Any]:
    facts = message.facts
    return {
        "request": message.request,
        "resource": facts.resource,
        "operation": facts.operation,
        "requester": facts.requester,
        **({"on_behalf_of": facts.on_behalf_of} if facts.on_behalf_of else {}),
        **({"justification": facts.justification} if facts.justification else {}),
        **({"by": facts.by} if facts.by else {}),
        **({"note": facts.note} if facts.note else {}),
        "status": STATUS[message.event],
        "link": link_to(message.request, public_url),
        "position": {"partition": message.partition, "seq": message.seq},
    }
