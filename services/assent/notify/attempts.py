"""One attempt to send something to a target, whatever it is and however that ends."""

import asyncio
import ssl
from collections.abc import Awaitable
from typing import Final

from assent.notify.by_apprise import send_by_apprise
from assent.notify.delivery import Delivery, NotDeliveredError, TargetTest
from assent.notify.message_texts import MessageText, text_of, text_of_test
from assent.notify.notify_settings import NotifySettings
from assent.notify.webhook import post_webhook
from assent.notify.webhook_document import document_of, document_of_test


class Attempts:
    """Sends. Each of its calls ends in time, and returns why the target did not take it; None when it did."""

    def __init__(self, settings: NotifySettings, tls: ssl.SSLContext, timeout_s: float) -> None:
        """`tls`: which certificates of webhooks are trusted."""
        self._settings: Final = settings
        self._tls: Final = tls
        self._timeout_s: Final = timeout_s

    async def deliver(self, delivery: Delivery) -> str | None:
        """Send the messages of a delivery."""
        if delivery.first.attempts > self._settings.attempts:
            return "The process stopped during every attempt."
        return await self._in_time(self._deliver(delivery))

    async def test(self, test: TargetTest) -> str | None:
        """Send a test message, by the way that all messages go."""
        return await self._in_time(self._test(test))

    async def _in_time(self, sending: Awaitable[None]) -> str | None:
        try:
            async with asyncio.timeout(self._timeout_s):
                await sending
        except NotDeliveredError as error:
            return str(error)
        except TimeoutError:
            return f"It did not answer within {self._timeout_s:g} s."
        except Exception as error:  # noqa: BLE001  one target's failure must not affect another
            # Not its text, which may contain the URL.
            return f"It could not be sent: {type(error).__name__}."
        return None

    async def _deliver(self, delivery: Delivery) -> None:
        public_url = self._settings.public_url
        if delivery.kind == "webhook":
            [message] = delivery.messages
            document = document_of(message, public_url)
            await self._post(delivery.url, delivery.secret, delivery.message_id, document)
        else:
            await self._send(delivery.url, text_of(delivery.messages, public_url))

    async def _test(self, test: TargetTest) -> None:
        public_url = self._settings.public_url
        if test.kind == "webhook":
            await self._post(test.url, test.secret, test.message_id, document_of_test(test, public_url))
        else:
            await self._send(test.url, text_of_test(public_url))

    async def _post(self, url: str, secret: str | None, message_id: str, document: str) -> None:
        assert secret is not None, "a webhook has one"
        await post_webhook(
            url,
            secret,
            message_id,
            document,
            allow_private=self._settings.allow_private,
            tls=self._tls,
            timeout_s=self._timeout_s,
        )

    async def _send(self, url: str, text: MessageText) -> None:
        await send_by_apprise(
            url,
            text.subject,
            text.body,
            allow_private=self._settings.allow_private,
            timeout_s=self._timeout_s,
        )
