"""Deliver a message to a webhook, signed as in Standard Webhooks: https://www.standardwebhooks.com."""

import ssl
from typing import Final

import httpx

from assent.notify.delivery import NotDeliveredError
from assent.targets.addresses import PrivateAddressError, UnresolvedError
from assent.targets.pinned_transport import PinnedTransport
from assent.targets.webhook_signature import signature

_CONTENT_TYPE: Final = "application/json"
_AGENT: Final = "assent-notify"


async def post_webhook(
    url: str,
    secret: str,
    message_id: str,
    payload: str,
    *,
    allow_private: bool,
    tls: ssl.SSLContext,
    timeout_s: float,
) -> None:
    """POST the payload (JSON) to the URL. Any 2xx status is success; the body is not read.

    Raises NotDeliveredError, TimeoutError.
    """
    headers = {
        "content-type": _CONTENT_TYPE,
        "user-agent": _AGENT,
        **signature(secret, message_id, payload),
    }
    async with httpx.AsyncClient(
        transport=PinnedTransport(allow_private=allow_private, tls=tls),
        timeout=timeout_s,
        trust_env=False,
        follow_redirects=False,
    ) as client:
        request = client.build_request("POST", url, content=payload.encode(), headers=headers)
        try:
            response = await client.send(request, stream=True)
        except (PrivateAddressError, UnresolvedError) as error:
            raise NotDeliveredError(str(error)) from error
        except (httpx.ConnectError, httpx.ConnectTimeout) as error:
            msg = "No connection could be made, or its certificate is not trusted."
            raise NotDeliveredError(msg) from error
        except (httpx.HTTPError, ValueError) as error:
            raise NotDeliveredError(f"The connection failed: {type(error).__name__}.") from error
        await response.aclose()
        if not response.is_success:
            raise NotDeliveredError(f"It answered with status {response.status_code}.")
