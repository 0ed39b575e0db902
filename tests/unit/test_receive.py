"""A Kafka record's shape beyond its value: key and headers."""

import pytest

from assent_contracts.codec import encode
from assent_contracts.core.received import Envelope, Omitted, Received, open_envelope, signature_bytes
from assent_contracts.core.requests.receive import receive
from assent_contracts.digests import sha256_hex
from tests.support.stories import SCRIPT, SIGNATURE, Story

COMMAND = Story().command("alice", "submits")
VALUE = encode(COMMAND)
SIGNED = [("assent-key", b"alice-key"), ("assent-signature", SIGNATURE.encode())]


def test_well_formed_command_is_received_with_its_bytes() -> None:
    it = receive(
        VALUE, SCRIPT.encode(), [*SIGNED, ("ce_id", b"c-1"), ("ce_type", b"assent.submit-change.v1")]
    )
    assert isinstance(it, Received)
    assert it.value == VALUE
    assert it.value_sha256.hex() == sha256_hex(VALUE)
    assert (it.key_id, signature_bytes(it)) == ("alice-key", bytes(64))


@pytest.mark.parametrize("key", [None, b"", b"script/other", b"script/deploy ", SCRIPT.upper().encode()])
def test_key_that_is_not_the_resource_is_malformed(key: bytes | None) -> None:
    """The key decides the partition; the resource decides the lock."""
    it = receive(VALUE, key, SIGNED)
    assert isinstance(it, Omitted)
    assert it.refusal.code == "malformed"


@pytest.mark.parametrize(
    "header",
    [
        ("ce_id", b"another"),
        ("ce_type", b"assent.cancel.v1"),
        ("assent-key", b"\xff"),
        ("assent-key", b"a key"),
        ("assent-key", b"k" * 129),
        ("assent-signature", b"A" * 129),
    ],
)
def test_invalid_header_is_malformed(header: tuple[str, bytes]) -> None:
    it = receive(VALUE, SCRIPT.encode(), [*SIGNED, header])
    assert isinstance(it, Omitted)
    assert it.refusal.code == "malformed"


@pytest.mark.parametrize(
    "header", [("ce_source", b"\xff"), ("x-b3-traceid", b"\x00\xff"), ("traceparent", None), ("", b"")]
)
def test_foreign_header_is_ignored(header: tuple[str, bytes | None]) -> None:
    """A tracing agent may add anything to a good command."""
    assert isinstance(receive(VALUE, SCRIPT.encode(), [*SIGNED, header]), Received)


@pytest.mark.parametrize("name", ["assent-key", "assent-signature"])
def test_our_header_without_a_value_counts_as_missing(name: str) -> None:
    envelope = open_envelope(VALUE, SCRIPT.encode(), [*SIGNED, (name, None)])
    assert isinstance(envelope, Envelope)
    assert "" in (envelope.key_id, envelope.signature)


def test_bytes_that_are_not_a_command_are_kept_as_their_hash_and_size() -> None:
    it = receive(b"nonsense", SCRIPT.encode(), SIGNED)
    assert isinstance(it, Omitted)
    assert (it.value_sha256.hex(), it.size) == (sha256_hex(b"nonsense"), 8)


def test_record_without_a_value_is_malformed() -> None:
    it = receive(None, SCRIPT.encode(), SIGNED)
    assert isinstance(it, Omitted)
    assert (it.refusal.code, it.size) == ("malformed", 0)
