"""The commands that an applier sends: published until they are decided."""

import asyncio
import logging
import time
from typing import Any, Final

from aiokafka.errors import KafkaError

from assent_contracts.client.follower import GovernanceFollower
from assent_contracts.client.keys import SecretKey, signed_headers
from assent_contracts.client.outage_lines import FEW_LINES
from assent_contracts.client.publisher import Decided, NotDecidedError, Publisher, new_command_id, now_ms
from assent_contracts.commands import Claim, RenewLease, ReportOutcome

_DECISION_TIMEOUT_S: Final = 30.0
_RETRY_S: Final = 0.2
_RETRY_MAX_S: Final = 30.0
_log: Final = logging.getLogger(__name__)
_log.addFilter(FEW_LINES)


class ApplierCommands:
    """Sends one applier's commands."""

    def __init__(
        self, publisher: Publisher, governance: GovernanceFollower, key: SecretKey, source: str
    ) -> None:
        self._publisher = publisher
        self._governance = governance
        self._key = key
        self._source = source

    @property
    def principal(self) -> str:
        """The applier's account."""
        return self._key.principal

    def fields(self) -> dict[str, Any]:
        """The fields of a new command that do not depend on what it is about."""
        return {"id": new_command_id(), "principal": self._key.principal, "at": now_ms()}

    async def publish(
        self, command: Claim | RenewLease | ReportOutcome, value: bytes
    ) -> tuple[Decided, float]:
        """The decision, and when its command was sent (monotonic seconds). Tries until there is one."""
        headers = signed_headers(self._key, self._governance.identity, command, value, self._source)
        pause_s = _RETRY_S
        while True:
            sent = time.monotonic()
            try:
                decided = await self._publisher.send_bytes(
                    value, command.resource.encode(), headers, timeout_s=_DECISION_TIMEOUT_S
                )
            except (KafkaError, NotDecidedError) as error:
                _log.warning("request %s: no decision yet: %r", command.request, error)
                await asyncio.sleep(pause_s)
                pause_s = min(2 * pause_s, _RETRY_MAX_S)
            else:
                return decided, sent
