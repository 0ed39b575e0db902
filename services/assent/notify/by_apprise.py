"""Deliver a message by mail or chat, through Apprise, in a thread of its own."""

import asyncio
from typing import Final

from assent.notify.connection_guard import ConnectionGuard
from assent.notify.delivery import NotDeliveredError
from assent.targets.apprise_import import instance_of
from assent.targets.own_thread import in_own_thread
from assent.targets.urls import APPRISE_SCHEMAS

_UNDELIVERED: Final = "The service could not be reached or did not accept it."


async def send_by_apprise(
    url: str, subject: str, body: str, *, allow_private: bool, timeout_s: float
) -> None:
    """Send plain text to an Apprise URL. Raises NotDeliveredError, TimeoutError.

    After the timeout, its open connections are cut. A thread that keeps running all the same (because a
    resolver does not answer) cannot open new ones, and is not waited for.
    """
    leash = ConnectionGuard(allow_private=allow_private)

    def work() -> bool:
        with leash:
            return _notify(url, subject, body)

    try:
        async with asyncio.timeout(timeout_s):
            delivered = await in_own_thread(work, "apprise")
    finally:
        leash.cut()
    if leash.refused:
        raise NotDeliveredError("It leads to an address that is not public.")
    if not delivered:
        raise NotDeliveredError(_UNDELIVERED)


def _notify(url: str, subject: str, body: str) -> bool:
    target = instance_of(url) if url.partition("://")[0] in APPRISE_SCHEMAS else None
    if target is None:
        return False
    from apprise.common import NotifyFormat

    target.notify_format = NotifyFormat.TEXT
    return bool(target.notify(body=body, title=subject, body_format=NotifyFormat.TEXT))
