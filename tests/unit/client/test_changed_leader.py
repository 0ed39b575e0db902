"""A consumer that asks a former leader for offsets finds out who leads the partition now."""

from typing import Any

import pytest
from aiokafka.errors import NoError, NotLeaderForPartitionError, TopicAuthorizationFailedError
from aiokafka.protocol.offset import OffsetRequest, OffsetResponse_v3

from assent_contracts.client.connection import _beside_fetches


class Client:
    """A client of aiokafka whose broker answers with one error code."""

    def __init__(self, code: int) -> None:
        self.refreshed = 0
        self._code = code

    async def send(self, _node: int, _request: Any, *, group: int) -> Any:
        return OffsetResponse_v3(0, [("assent.ledger", [(0, self._code, -1, -1)])])

    def force_metadata_update(self) -> None:
        self.refreshed += 1


@pytest.mark.parametrize(
    ("error", "refreshed"),
    [(NoError, 0), (TopicAuthorizationFailedError, 0), (NotLeaderForPartitionError, 1)],
)
async def test_former_leader_s_answer_makes_the_client_look_for_the_new_one(
    error: Any, refreshed: int
) -> None:
    client = Client(error.errno)
    send = _beside_fetches(client)  # type: ignore[arg-type]
    answer = await send(1, OffsetRequest(-1, 0, [("assent.ledger", [(0, -1)])]))
    assert answer.topics[0][1][0][1] == error.errno
    assert client.refreshed == refreshed
