"""An attacker with a producer: anything may be appended to any topic, but no key of the attacker counts."""

import random
from typing import Final

import msgspec

from assent_contracts import seal
from assent_contracts.codec import encode
from assent_contracts.commands import Approve, Complete
from assent_contracts.digests import sha256_hex, to_base64url
from assent_contracts.eras import FIRST_ERA
from assent_contracts.events import CommandRepeated, RequestApproved, RequestCompleted
from assent_contracts.ledger import DecisionRecord, decode_record
from assent_contracts.signing import KEY_HEADER, SIGNATURE_HEADER, command_message
from tests.simulation.broker import Broker, Entry, Topic
from tests.simulation.organisation import Founded, key_id
from tests.simulation.people import Known

_GARBAGE: Final = (None, b"", b"{}", b"\xff\xfe", b'{"seq":0}', b"[" * 50)
_KEYS: Final = ("mallory-key", "writer-1", "writer-9", "recovery", "alice-key")


class Attacker:
    """Knows everything that was ever written; has mallory's key, and no other."""

    def __init__(self, log: Founded, broker: Broker, rng: random.Random) -> None:
        self._log = log
        self._broker = broker
        self._rng = rng

    def act(self, now: int, known: list[Known]) -> str:
        """One attack; returns its name."""
        rng, broker = self._rng, self._broker
        topics = (
            broker.ledger,
            broker.ledger,
            broker.governance,
            broker.commands,
            broker.governance_commands,
        )
        topic = rng.choice((*topics, broker.changes))
        roll = rng.random()
        if roll < 0.15 or not topic.entries:
            topic.append([Entry(None, rng.choice(_GARBAGE), (), now)])
            return "garbage"
        if roll < 0.45:
            return self._repeat(topic, now)
        if roll < 0.6 and known:
            return self._false_command(now, rng.choice(known))
        if topic in (broker.ledger, broker.governance):
            return self._forge(topic, now)
        return self._repeat(topic, now)

    def _repeat(self, topic: Topic, now: int) -> str:
        entries, rng = topic.entries, self._rng
        start = rng.randrange(len(entries))
        count = rng.choice((1, 1, 2, 3, len(entries)))
        again = [msgspec.structs.replace(each, at=now) for each in entries[start : start + count]]
        if rng.random() < 0.2:
            again[-1] = msgspec.structs.replace(again[-1], headers=rng.choice(entries).headers)
        topic.append(again)
        return f"{len(again)} records again from offset {start}"

    def _false_command(self, now: int, it: Known) -> str:
        """A command of bob's that bob has not signed, or that mallory has."""
        rng = self._rng
        kind = rng.choice((Approve, Complete))
        command_id, principal = f"m{rng.randrange(1 << 30)}", rng.choice(("bob", "carol", it.requester))
        value = encode(
            kind(
                id=command_id,
                principal=principal,
                at=now,
                resource=it.resource,
                request=it.request,
                submission=it.submission,
            )
        )
        named = key_id(rng.choice((principal, "mallory", "nobody")))
        signature = self._log.signing.sign("mallory-key", command_message(self._log.identity, value))
        headers = ((KEY_HEADER, named.encode()), (SIGNATURE_HEADER, to_base64url(signature).encode()))
        self._broker.commands.append([Entry(it.resource.encode(), value, headers, now)])
        return f"a false {kind.__name__} on {it.request} under {named}"

    def _forge(self, topic: Topic, now: int) -> str:
        """A run of one or two records that chains to the head, unsealed or wrongly sealed."""
        rng = self._rng
        like = rng.choice(topic.entries[-4:])
        try:
            last = decode_record(like.value or b"")
        except msgspec.DecodeError:
            return self._repeat(topic, now)
        prev, seq, run = sha256_hex(like.value or b""), last.seq, list[Entry]()
        for _ in range(rng.randrange(1, 3)):
            seq += 1
            value = encode(
                DecisionRecord(
                    seq=seq,
                    prev=prev,
                    epoch=99,
                    at=max(last.at, now),
                    governance=last.governance,
                    events=rng.choice(
                        (
                            (CommandRepeated(decided=0),),
                            (RequestApproved(request="0-0"),),
                            (RequestCompleted(request="0-0", reporter="mallory"),),
                        )
                    ),
                )
            )
            prev = sha256_hex(value)
            run.append(Entry(None, value, (), now))
        if rng.random() < 0.7:
            run[-1] = msgspec.structs.replace(run[-1], headers=self._false_seal(topic, seq, prev))
        topic.append(run)
        return f"a forged run of {len(run)} behind seq {last.seq}"

    def _false_seal(self, topic: Topic, seq: int, sha256: str) -> tuple[tuple[str, bytes | None], ...]:
        rng = self._rng
        ledger = "ledger" if topic is self._broker.ledger else "governance"
        message = seal.seal_message(self._log.identity, ledger, 0, seq, bytes.fromhex(sha256), FIRST_ERA)
        signature = to_base64url(self._log.signing.sign("mallory-key", message))
        if rng.random() < 0.2:
            old = [each.headers for each in topic.entries if each.headers]
            if old:
                return tuple(rng.choice(old))
        return (
            (seal.WRITER_HEADER, rng.choice(_KEYS).encode()),
            (seal.SEAL_HEADER, signature.encode()),
        )
