"""Signs and publishes the commands that are due. Their decisions come from the ledger, not from here."""

from collections.abc import Mapping
from typing import Final

import asyncpg
from aiokafka.errors import KafkaError

from assent.upstream.commands import DueCommand, due_commands, placed, retry
from assent_contracts.client.command_producer import CommandProducer
from assent_contracts.client.keys import SecretKey, signed_headers
from assent_contracts.codec import decode_command
from assent_contracts.refusals import Refusal

AGAIN_S: Final = 60.0
"""A command whose decision is not known after so long is sent again: the same bytes, decided once."""
_RETRY_S: Final = 2.0
_AT_ONCE: Final = 100
SOURCE: Final = "assent-upstream"


class CommandSender:
    """Publishes commands in the order in which they were added."""

    def __init__(
        self,
        producer: CommandProducer,
        keys: Mapping[str, SecretKey],
        identity: str,
        again_s: float = AGAIN_S,
    ) -> None:
        """`keys`: by account; `producer`: started."""
        self._producer = producer
        self._keys = keys
        self._identity = identity
        self._again_s = again_s

    async def send_due(self, pool: asyncpg.Pool) -> bool:
        """Publish what is due; False if nothing is. Raises KafkaError; what is left is due again soon."""
        due = await due_commands(pool, _AT_ONCE, self._again_s)
        for number, command in enumerate(due):
            try:
                offset = await self._send(command)
            except KafkaError:
                for each in due[number:]:
                    await retry(pool, each.id, _RETRY_S)
                raise
            await placed(pool, command.id, offset)
        return bool(due)

    async def _send(self, due: DueCommand) -> int:
        command = decode_command(due.value)
        assert not isinstance(command, Refusal), "only well-formed commands are added"
        headers = signed_headers(self._keys[command.principal], self._identity, command, due.value, SOURCE)
        ack = await self._producer.send(due.value, due.resource.encode(), headers, due.partition)
        return ack.offset
