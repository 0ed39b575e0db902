"""A file as a payload is preserved: every byte comes back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assent.reading.payloads import shown_payload
from assent_contracts.digests import sha256_hex
from assent_contracts.file_payloads import file_of_payload, payload_of_file


@given(st.binary(max_size=300) | st.text(max_size=100).map(str.encode))
def test_file_comes_out_of_its_payload_unchanged(content: bytes) -> None:
    assert file_of_payload(payload_of_file(content)) == content


def test_line_ends_byte_order_mark_and_nul_stay_in_a_text() -> None:
    content = b"\xef\xbb\xbfa\r\nb\rc\0"
    assert payload_of_file(content).startswith(b'"')
    assert file_of_payload(payload_of_file(content)) == content


def test_bytes_that_are_not_utf_8_are_in_base64() -> None:
    assert payload_of_file(b"caf\xe9") == b'{"$base64":"Y2Fm6Q=="}'


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"[]",
        b"1",
        b'{"$base64":1}',
        b'{"$base64":"?"}',
        b'{"$base64":"YQ"}',
        b'{"$base64":"YQ==","a":1}',
        b'{"a":1}',
        b'{"$base64":"\\u00e9"}',
        b'{"$base64":null}',
        b'"\\ud800"',
    ],
)
def test_another_value_is_not_a_file(payload: bytes) -> None:
    assert file_of_payload(payload) is None


def test_R23_size_and_hash_of_a_file_are_shown() -> None:
    for content in (b"echo caf\xe9\r\n", "echo café\r\n".encode()):
        file = shown_payload(payload_of_file(content), "script/a.sh").file
        assert file is not None
        assert (file.size, file.sha256) == (len(content), sha256_hex(content))


def test_R23_bytes_that_are_not_text_are_shown_by_their_numbers() -> None:
    assert shown_payload(payload_of_file(b"echo caf\xe9\n"), "script/a.sh").text == "echo caf⟨0xE9⟩\n"
    dump = shown_payload(payload_of_file(b"\x7fELF\x00\xff" + bytes(12)), "app/a").text.split("\n")
    assert dump[0] == "00000000  7f 45 4c 46 00 ff 00 00 00 00 00 00 00 00 00 00  .ELF............"
    assert dump[1].startswith("00000010  00 00")
