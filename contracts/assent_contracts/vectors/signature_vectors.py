"""The bytes that are signed, and the signatures."""

from typing import Any, Final

from assent_contracts.client.keys import SecretKey
from assent_contracts.digests import from_base64url, sha256_hex, to_base64url
from assent_contracts.heads import SignedHead, encode_head, head_message
from assent_contracts.seal import seal_message_of
from assent_contracts.signing import NO_IDENTITY, command_message
from assent_contracts.topics import LedgerName
from assent_contracts.vectors.vector_forms import base64_of
from assent_contracts.vectors.vector_log import PARTITION, VectorLog, key_of, key_seed_of

_WRITER_SEED: Final = bytes(range(32, 64))
_ERA: Final = "loss-1"
_VALUES: Final = (b"", b"{}", b"not a command \xff", '{"name": "Löhne ✓"}'.encode())
_TEXTS: Final = (
    "",
    "AA",
    "AAA",
    "AAAA",
    "-_-_",
    "AB",
    "AAB",
    "A",
    "AA==",
    "+/+/",
    "AA\n",
    "A A",
    "AAAAA",
    "ÄÄ",
)
"""Of base64url without padding: some are, some are not."""


def vectors() -> dict[str, Any]:
    """The content of `signatures.json`."""
    log = VectorLog()
    log.released()
    return {
        "section": "signatures",
        "commands": [
            *(_command(log.identity, value) for value, _ in log.commands),
            *(_command(log.identity, value) for value in _VALUES),
            _command(NO_IDENTITY, b"{}"),
        ],
        "seals": [
            _seal(log.identity, "governance", 0, 0, log.governance.accepted[0].value),
            *(
                _seal(log.identity, "ledger", PARTITION, each.record.seq, each.value)
                for each in log.requests.accepted
            ),
            _seal(log.identity, "ledger", 1_023, 2**40 + 3, b"{}"),
            _seal(log.identity, "ledger", PARTITION, 2, log.requests.accepted[2].value, _ERA),
        ],
        "heads": [_head(log.identity, ""), _head(log.identity, _ERA)],
        "base64url": [_text(text) for text in _TEXTS],
    }


def _signed(key: SecretKey, seed: bytes, message: bytes) -> dict[str, Any]:
    return {
        "message": message.hex(),
        "secret": seed.hex(),
        "public_key": key.public,
        "signature": to_base64url(key.sign(message)),
    }


def _command(identity: str, value: bytes) -> dict[str, Any]:
    about = {"identity": identity, "value": base64_of(value), "sha256": sha256_hex(value)}
    return about | _signed(key_of("alice"), key_seed_of("alice"), command_message(identity, value))


def _seal(
    identity: str, ledger: LedgerName, partition: int, seq: int, value: bytes, era: str = ""
) -> dict[str, Any]:
    about = {"identity": identity, "ledger": ledger, "partition": partition, "seq": seq, "era": era}
    message = seal_message_of(identity, ledger, partition, seq, value, era)
    writer = SecretKey("writer-1", "decider", _WRITER_SEED)
    return about | {"value": base64_of(value)} | _signed(writer, _WRITER_SEED, message)


def _head(identity: str, era: str) -> dict[str, Any]:
    head = SignedHead(
        ledger="ledger",
        partition=PARTITION,
        seq=4,
        sha256=sha256_hex(b"record 4"),
        next_offset=5,
        next_input=4,
        at=1_769_817_601_000,
        epoch=1,
        era=era,
    )
    value = encode_head(head)
    writer = SecretKey("writer-1", "decider", _WRITER_SEED)
    about = {"identity": identity, "value": base64_of(value)}
    return about | _signed(writer, _WRITER_SEED, head_message(identity, value))


def _text(text: str) -> dict[str, Any]:
    try:
        return {"text": text, "bytes": base64_of(from_base64url(text))}
    except ValueError:
        return {"text": text, "bytes": None}
