"""Kafka's requests about access control lists, which aiokafka has and its admin client does not use."""

from collections.abc import Collection, Iterable
from typing import Any, Final, Self

from aiokafka.errors import ClusterAuthorizationFailedError, SecurityDisabled, for_code
from aiokafka.protocol.admin import CreateAclsRequest, DeleteAclsRequest, DescribeAclsRequest

from assent.ledger.acl_rights import Right
from assent_contracts.client.connection import Connection, admin_client

_KINDS: Final = {
    2: "topic",
    3: "group",
    4: "cluster",
    5: "transactional-id",
    6: "delegation-token",
    7: "user",
}
_OPERATIONS: Final = {
    2: "all",
    3: "read",
    4: "write",
    5: "create",
    6: "delete",
    7: "alter",
    8: "describe",
    9: "cluster-action",
    10: "describe-configs",
    11: "alter-configs",
    12: "idempotent-write",
    13: "create-tokens",
    14: "describe-tokens",
    15: "two-phase-commit",
}
_ANY: Final = 1
_LITERAL, _PREFIXED = 3, 4
_DENY, _ALLOW = 2, 3
_USER: Final = "User:"

_Row = tuple[int, str, int, str, str, int, int]
"""One entry, in the order in which Kafka's requests have it."""


class AclsError(Exception):
    """The rights could not be seen or changed; the message explains why and what to do."""


class AclClient:
    """Sees and changes the rights on a cluster."""

    def __init__(self, connection: Connection) -> None:
        """It connects on entering."""
        self._login = connection.sasl_username or "this program's certificate"
        self._admin = admin_client(connection)

    async def __aenter__(self) -> Self:
        """Connect. Raises KafkaError."""
        try:
            await self._admin.start()
        except BaseException:
            await self._admin.close()
            raise
        return self

    async def __aexit__(self, *_error: object) -> None:
        """Disconnect."""
        await self._admin.close()

    async def brokers(self) -> list[int]:
        """The ids of all brokers that are there now. Raises KafkaError."""
        return [each["node_id"] for each in (await self._admin.describe_cluster())["brokers"]]

    async def rights(self, broker: int | None = None) -> set[Right]:
        """Every right of every login, as one broker knows them. Raises AclsError, KafkaError."""
        request = DescribeAclsRequest(_ANY, None, _ANY, None, None, _ANY, _ANY)  # type: ignore[arg-type]
        answer = await self._send(request, broker)
        self._must_be_permitted(answer.error_code, answer.error_message, "see")
        return {
            _right((kind, name, pattern, *entry))
            for kind, name, pattern, entries in answer.resources
            for entry in entries
        }

    async def add(self, rights: Collection[Right]) -> None:
        """Give rights. Those that exist stay. Raises AclsError, KafkaError."""
        if rights:
            answer = await self._send(_CreateAll(rights))
            for code, message in answer.creation_responses:
                self._must_be_permitted(code, message, "change")

    async def remove(self, rights: Collection[Right]) -> None:
        """Take rights away. Raises AclsError, KafkaError."""
        if rights:
            answer = await self._send(_DeleteAll(rights))
            for code, message, _ in answer.filter_responses:
                self._must_be_permitted(code, message, "change")

    async def _send(self, request: Any, broker: int | None = None) -> Any:
        return await self._admin._send_request(request, broker)  # noqa: SLF001  it has no method for these

    def _must_be_permitted(self, code: int, message: str | None, what: str) -> None:
        if not code:
            return
        error = for_code(code)
        if error is SecurityDisabled:
            raise AclsError(_NO_AUTHORIZER)
        if error is ClusterAuthorizationFailedError:
            needs = "Describe" if what == "see" else "Alter"
            msg = (
                f"The login {self._login!r} may not {what} rights. Use one of the brokers' super.users, or"
                f" one that has {needs} on the cluster."
            )
            raise AclsError(msg)
        raise error(message or "")


_NO_AUTHORIZER: Final = (
    "The brokers have no authorizer, so every login may do everything. Set authorizer.class.name ="
    " org.apache.kafka.metadata.authorizer.StandardAuthorizer, super.users and"
    " allow.everyone.if.no.acl.found = false on each broker."
)


class _CreateAll(CreateAclsRequest):
    def __init__(self, rights: Iterable[Right]) -> None:
        self._rows = [_row(right) for right in rights]

    def build(self, request_struct_class: Any) -> Any:
        return request_struct_class(self._rows)


class _DeleteAll(DeleteAclsRequest):
    def __init__(self, rights: Iterable[Right]) -> None:
        self._rows = [_row(right) for right in rights]

    def build(self, request_struct_class: Any) -> Any:
        return request_struct_class(self._rows)


def _row(right: Right) -> _Row:
    kinds = {name: number for number, name in _KINDS.items()}
    operations = {name: number for number, name in _OPERATIONS.items()}
    return (
        kinds[right.kind],
        right.name,
        _PREFIXED if right.prefixed else _LITERAL,
        _USER + right.login,
        right.host,
        operations[right.operation],
        _DENY if right.denies else _ALLOW,
    )


def _right(row: _Row) -> Right:
    kind, name, pattern, principal, host, operation, permission = row
    return Right(
        login=principal.removeprefix(_USER),
        kind=_KINDS.get(kind, str(kind)),
        name=name,
        operation=_OPERATIONS.get(operation, str(operation)),
        prefixed=pattern == _PREFIXED,
        host=host,
        denies=permission == _DENY,
    )
