"""What a writer sends to the network: batches, one after the other, each with its seal."""

from collections import deque

import msgspec

from assent_contracts import seal
from assent_contracts.acceptance import Head
from assent_contracts.digests import to_base64url
from assent_contracts.eras import FIRST_ERA
from assent_contracts.heads import Place
from tests.simulation.broker import Entry, Topic
from tests.simulation.organisation import Founded


class Sent(msgspec.Struct):
    """A batch on its way, or appended."""

    entries: list[Entry]
    offset: int | None = None


class Producer:
    """One connection of one writer: what it has sent is appended in that order, later or never."""

    def __init__(self, topic: Topic) -> None:
        self.topic = topic
        self.on_the_way: deque[Sent] = deque()

    def send(self, entries: list[Entry]) -> Sent:
        """Send a batch to the network."""
        sent = Sent(entries)
        self.on_the_way.append(sent)
        return sent

    def land(self, now: int) -> bool:
        """The oldest batch on its way is appended; returns whether there was one."""
        if not self.on_the_way:
            return False
        sent = self.on_the_way.popleft()
        sent.offset = self.topic.append([msgspec.structs.replace(each, at=now) for each in sent.entries])
        return True


def sealed(
    log: Founded, key: str, place: Place, head: Head, era: str = FIRST_ERA
) -> tuple[tuple[str, bytes], ...]:
    """The headers of a record that this key seals."""
    message = seal.seal_message(log.identity, *place, head.seq, bytes.fromhex(head.value_sha256), era)
    signature = to_base64url(log.signing.sign(key, message))
    return ((seal.WRITER_HEADER, key.encode()), (seal.SEAL_HEADER, signature.encode()))
