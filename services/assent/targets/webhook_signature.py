"""The signature of Standard Webhooks: https://www.standardwebhooks.com."""

from datetime import UTC, datetime

from standardwebhooks import Webhook


def signature(secret: str, message_id: str, payload: str) -> dict[str, str]:
    """The headers that show a receiver that the message is genuine and recent, and whether it is new."""
    now = datetime.now(UTC)
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": Webhook(secret).sign(message_id, now, payload),
    }
