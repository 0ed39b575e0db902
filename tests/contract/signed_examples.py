"""What is signed, over which bytes, with which key: test vectors for programs in other languages."""

from typing import Final

import msgspec

from assent_contracts import topics
from assent_contracts.client.keys import SecretKey
from assent_contracts.codec import encode
from assent_contracts.digests import sha256_hex, to_base64url
from assent_contracts.heads import SignedHead, encode_head, head_message
from assent_contracts.seal import seal_message_of
from assent_contracts.signing import command_message
from tests.contract.golden_chain import ALICE, CHAIN, GOVERNANCE_0, IDENTITY, PARTITION, SUBMISSION, WRITER


class SignedExample(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One signature with all its inputs. The secret keys were made up for these files only."""

    identity: str
    ledger: str | None = None
    value: str | None = None
    partition: int | None = None
    seq: int | None = None
    value_sha256: str
    message_hex: str
    key: str
    secret_hex: str
    public_key: str
    signature: str


def _signed(key: SecretKey, seed: bytes, message: bytes, **about: object) -> SignedExample:
    return SignedExample(
        **about,  # type: ignore[arg-type]
        identity=IDENTITY,
        message_hex=message.hex(),
        key=key.id,
        secret_hex=seed.hex(),
        public_key=key.public,
        signature=to_base64url(key.sign(message)),
    )


def _seal(ledger: topics.LedgerName, partition: int, seq: int, value: bytes) -> SignedExample:
    message = seal_message_of(IDENTITY, ledger, partition, seq, value)
    about = {"ledger": ledger, "partition": partition, "seq": seq, "value_sha256": sha256_hex(value)}
    return _signed(WRITER, bytes(range(32, 64)), message, **about)


HEAD: Final = SignedHead(
    ledger="ledger",
    partition=PARTITION,
    seq=CHAIN["expiry"].seq,
    sha256=sha256_hex(encode(CHAIN["expiry"])),
    next_offset=CHAIN["expiry"].seq + 1,
    next_input=CHAIN["expiry"].seq,
    at=CHAIN["expiry"].at,
    epoch=CHAIN["expiry"].epoch,
)

SIGNED: Final = {
    "command": _signed(
        ALICE,
        bytes(range(32)),
        command_message(IDENTITY, SUBMISSION),
        value=SUBMISSION.decode(),
        value_sha256=sha256_hex(SUBMISSION),
    ),
    "seal": _seal("ledger", PARTITION, CHAIN["expiry"].seq, encode(CHAIN["expiry"])),
    "head": _signed(
        WRITER,
        bytes(range(32, 64)),
        head_message(IDENTITY, encode_head(HEAD)),
        value=encode_head(HEAD).decode(),
        value_sha256=sha256_hex(encode_head(HEAD)),
    ),
    "governance-seal": _seal("governance", 0, 0, encode(GOVERNANCE_0)),
}


def signed_bytes(example: SignedExample) -> bytes:
    """The golden file of a signature, indented for people."""
    return msgspec.json.format(msgspec.json.encode(example), indent=2) + b"\n"
