"""Deliver a message to a webhook, signed as in Standard Webhooks: https://www.standardwebhooks.com."""

import ssl
from datetime import UTC, datetime
from typing import Final

import httpx
from standardwebhooks import Webhook

from assent.notify.delivery import NotDeliveredError
from assent.targets.addresses import PrivateAddressError, UnresolvedError, resolve

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

    The connection goes to the address that was checked. The name in the URL is used only for TLS and the Host
    header, so that a second lookup cannot lead elsewhere. Raises NotDeliveredError, TimeoutError.
    """
    parsed = httpx.URL(url)
    host = parsed.raw_host.decode()
    headers = {
        "host": parsed.netloc.decode(),
        "content-type": _CONTENT_TYPE,
        "user-agent": _AGENT,
        **signature(secret, message_id, payload),
    }
    try:
        addresses = await resolve(host, parsed.port or _usual_port(parsed), allow_private=allow_private)
    except (PrivateAddressError, UnresolvedError) as error:
        raise NotDeliveredError(str(error)) from error
    async with httpx.AsyncClient(
        verify=tls, timeout=timeout_s, trust_env=False, follow_redirects=False
    ) as client:
        for address in addresses:
            request = client.build_request(
                "POST",
                parsed.copy_with(host=address),
                content=payload.encode(),
                headers=headers,
                extensions={"sni_hostname": host},
            )
            try:
                response = await client.send(request, stream=True)
            except (httpx.ConnectError, httpx.ConnectTimeout):
                continue
            except (httpx.HTTPError, ValueError) as error:
                raise NotDeliveredError(f"The connection failed: {type(error).__name__}.") from error
            await response.aclose()
            if not response.is_success:
                raise NotDeliveredError(f"It answered with status {response.status_code}.")
            return
    raise NotDeliveredError("No connection could be made, or its certificate is not trusted.")


def signature(secret: str, message_id: str, payload: str) -> dict[str, str]:
    """The headers that show a receiver that the message is genuine and recent, and whether it is new."""
    now = datetime.now(UTC)
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": Webhook(secret).sign(message_id, now, payload),
    }


def _usual_port(url: httpx.URL) -> int:
    return 443 if url.scheme == "https" else 80
