"""The ways in which a hostile record is signed or sealed, correctly or not."""

import hashlib
from collections.abc import Mapping
from typing import Final

from assent_contracts.client.keys import SecretKey, seal_headers
from assent_contracts.digests import to_base64url
from assent_contracts.signing import command_message
from assent_contracts.topics import LedgerName

Headers = list[tuple[bytes, bytes | None]]
_STRANGER: Final = SecretKey("stranger-1", "stranger")
_OTHER_IDENTITY: Final = "ab" * 32


def command_headers(  # noqa: C901  an arm each
    way: str | None, keys: Mapping[str, SecretKey], writer: SecretKey, identity: str, usual: str, value: bytes
) -> Headers:
    """The headers of a command; `usual`: the default key for ways that do not name one."""
    mine = keys[usual]
    over = command_message(identity, value)
    good = to_base64url(mine.sign(over)).encode()
    match way:
        case None | "unsigned":
            return []
        case "stranger":
            return _named(_STRANGER.id, _STRANGER.sign(over))
        case "impostor":
            return _named(mine.id, _STRANGER.sign(over))
        case "founder":
            return _named("founder", _STRANGER.sign(over))
        case "writer":
            return _named(writer.id, writer.sign(over))
        case "another command":
            return _named(mine.id, mine.sign(command_message(identity, value + b" ")))
        case "another log":
            return _named(mine.id, mine.sign(command_message(_OTHER_IDENTITY, value)))
        case "spoiled":
            return [(b"assent-key", mine.id.encode()), (b"assent-signature", _spoiled(good))]
        case "short" | "padded" | "not base64" | "zeros" | "signature of 129" | "signature not UTF-8":
            return [(b"assent-key", mine.id.encode()), (b"assent-signature", _odd_signatures(good)[way])]
        case "empty key" | "key of 129" | "key of 100,000" | "key not UTF-8" | "key with a space":
            return [(b"assent-key", _ODD_KEYS[way]), (b"assent-signature", good)]
        case "twice":
            both = _named(mine.id, mine.sign(over))
            return [*both, (b"assent-signature", b"A" * 86)]
        case _:
            return _named(keys[way].id, keys[way].sign(over))


def _named(key_id: str, signature: bytes) -> Headers:
    return [(b"assent-key", key_id.encode()), (b"assent-signature", to_base64url(signature).encode())]


def _spoiled(signature: bytes) -> bytes:
    return (b"B" if signature.startswith(b"A") else b"A") + signature[1:]


def _odd_signatures(good: bytes) -> dict[str, bytes]:
    return {
        "short": good[:-4],
        "padded": good + b"==",
        "not base64": b"!" * 86,
        "zeros": b"A" * 86,
        "signature of 129": b"A" * 129,
        "signature not UTF-8": b"\xff" * 86,
    }


_ODD_KEYS: Final = {
    "empty key": b"",
    "key of 129": b"k" * 129,
    "key of 100,000": b"k" * 100_000,
    "key not UTF-8": b"\xff\xfe",
    "key with a space": b"a b",
}


def ledger_headers(  # noqa: C901  an arm each
    way: str | None,
    writer: SecretKey,
    identity: str,
    ledger: LedgerName,
    partition: int,
    seq: int,
    value: bytes | None,
) -> Headers:
    """The headers of a ledger record: a seal, good or not."""
    sha256 = hashlib.sha256(value or b"").digest()

    def sealed(
        key: SecretKey, where: int = partition, at: int = seq, log: str = identity, over: bytes = sha256
    ) -> Headers:
        headers = seal_headers(key, log, ledger, where, at, over)
        return [(name.encode(), content) for name, content in headers]

    match way:
        case None | "unsigned":
            return []
        case "writer":
            return sealed(writer)
        case "stranger":
            return sealed(SecretKey("writer-2", "decider"))
        case "impostor":
            return sealed(SecretKey(writer.id, "decider"))
        case "another log":
            return sealed(writer, log=_OTHER_IDENTITY)
        case "another partition":
            return sealed(writer, where=partition + 1)
        case "another seq":
            return sealed(writer, at=seq + 1)
        case "another command":
            return sealed(writer, over=bytes(32))
        case "command":
            signature = writer.sign(command_message(identity, value or b""))
            return [
                (b"assent-writer", writer.id.encode()),
                (b"assent-seal", to_base64url(signature).encode()),
            ]
        case _:
            (_, name), (_, seal) = sealed(writer)
            return [(b"assent-writer", name), (b"assent-seal", _odd_seal(way, seal or b""))]


def _odd_seal(way: str, seal: bytes) -> bytes | None:
    odd = {
        "spoiled": _spoiled(seal),
        "short": seal[:-4],
        "not base64": b"!" * 86,
        "null": None,
        "not UTF-8": b"\xff" * 86,
        "empty": b"",
        "reader": seal.swapcase(),
    }
    return odd[way]
