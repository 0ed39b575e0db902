"""Close aiokafka's clients soon, also over TLS."""

import asyncio
from typing import Final

from aiokafka.client import AIOKafkaClient

WITHIN_S: Final = 0.2
"""How long the brokers may take to say good-bye."""


def close_soon(client: AIOKafkaClient) -> None:
    """Have a client cut those connections that are not closed `WITHIN_S` after it was asked to close.

    aiokafka waits until each connection is closed. Over TLS, that is when the broker has answered the
    good-bye, or after asyncio's 30 seconds: a broker that still has a request of the connection may not
    answer. Meanwhile, whatever waits for the client to close, such as taking over a partition, would wait
    too. Nothing is lost: a producer has been acknowledged, and a member has left its group, before.
    """
    close = client.close

    async def closed_soon() -> None:
        # Their writers are dropped by `close`.
        transports = [each._writer.transport for each in client._conns.values() if each._writer]  # noqa: SLF001
        closing = asyncio.ensure_future(close())
        try:
            await asyncio.wait([closing], timeout=WITHIN_S)
        finally:
            if not closing.done():
                for transport in transports:
                    transport.abort()
        await closing

    client.close = closed_soon
