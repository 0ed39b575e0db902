"""Asks the brokers whether a login may do something, in a way that changes nothing where it may."""

from typing import Any, Final, Self

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import GroupAuthorizationFailedError, TopicAuthorizationFailedError
from aiokafka.protocol.admin import AlterConfigsRequest, CreateTopicsRequest, DescribeConfigsRequest
from aiokafka.protocol.fetch import FetchRequest
from aiokafka.protocol.group import HeartbeatRequest
from aiokafka.protocol.offset import OffsetRequest
from aiokafka.protocol.produce import ProduceRequest

from assent_contracts.client.connection import Connection

_TOPIC: Final = 2
_EARLIEST: Final = -2
_TIMEOUT_MS: Final = 5_000
_REFUSED: Final = (TopicAuthorizationFailedError.errno, GroupAuthorizationFailedError.errno)


class RightsProbe:
    """One login. A broker looks at its rights before anything else, so any other error means that it may."""

    def __init__(self, connection: Connection) -> None:
        self._admin = AIOKafkaAdminClient(**connection.options())

    async def __aenter__(self) -> Self:
        await self._admin.start()
        return self

    async def __aexit__(self, *_error: object) -> None:
        await self._admin.close()

    async def may(self, operation: str, topic: str) -> bool:
        """Whether it may do this to a topic."""
        answer = await self._admin._send_request(_request(operation, topic))
        return _code(operation, answer) not in _REFUSED

    async def may_join(self, group: str) -> bool:
        """Whether it may be a member of a group."""
        answer: Any = await self._admin._send_request(HeartbeatRequest(group, 0, "nobody"))
        return answer.error_code not in _REFUSED


def _request(operation: str, topic: str) -> Any:
    match operation:
        case "read":
            return FetchRequest(0, 0, 1, 0, [(topic, [(0, 0, 1)])])
        case "write":
            # There is no record in it, so nothing is written.
            return ProduceRequest(None, -1, _TIMEOUT_MS, [(topic, [(0, b"")])])
        case "describe":
            return OffsetRequest(-1, 0, [(topic, [(0, _EARLIEST)])])
        case "describe-configs":
            return DescribeConfigsRequest([(_TOPIC, topic, ["retention.ms"])])
        case "alter-configs":
            return AlterConfigsRequest([(_TOPIC, topic, [])], validate_only=True)
        case "create":
            return CreateTopicsRequest([(topic, 1, 1, [], [])], _TIMEOUT_MS, validate_only=True)  # type: ignore[list-item]
        case _:
            raise AssertionError(operation)


def _code(operation: str, answer: Any) -> int:
    """The error code about the topic."""
    match operation:
        case "read" | "write" | "describe":
            [(_topic, [(_partition, code, *_)])] = answer.topics
        case "create":
            [(_topic, code, *_)] = answer.topic_errors
        case _:
            [(code, *_)] = answer.resources
    return code
