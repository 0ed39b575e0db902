"""How any person or process in the world sends a command."""

from typing import Any

from assent_contracts.digests import sha256_hex, to_base64url
from assent_contracts.governance_messages import GOVERNANCE_KEY
from assent_contracts.signing import KEY_HEADER, SIGNATURE_HEADER, command_message
from tests.simulation.broker import Broker, Entry
from tests.simulation.organisation import Founded, key_id


class Sender:
    """Signs and appends, and records who has signed what."""

    def __init__(self, log: Founded, broker: Broker) -> None:
        self._log = log
        self._broker = broker
        self._ids = 0
        self.signed: dict[str, str] = {}
        """By the SHA-256 of a command's bytes: the principal whose key signed them."""

    def about(self, principal: str, now: int) -> dict[str, Any]:
        """The fields of every command, with a new id."""
        self._ids += 1
        return {"id": f"c{self._ids}", "principal": principal, "at": now}

    def send_bytes(self, value: bytes, key: bytes, principal: str, now: int) -> None:
        """Sign and append to the command topic that the key belongs to."""
        signature = self._log.signing.sign(key_id(principal), command_message(self._log.identity, value))
        headers = (
            (KEY_HEADER, key_id(principal).encode()),
            (SIGNATURE_HEADER, to_base64url(signature).encode()),
        )
        self.signed[sha256_hex(value)] = principal
        topic = self._broker.governance_commands if key == GOVERNANCE_KEY else self._broker.commands
        topic.append([Entry(key, value, headers, now)])
