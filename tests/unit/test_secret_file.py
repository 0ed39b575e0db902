"""Secrets of other systems: one reader, with one promise for applier, upstream, gateway and MCP proxy."""

from pathlib import Path

import pytest

from assent.applier.targets.secrets import SecretError, read_secret
from assent.mcp_proxy.configuration import read_token
from assent.process_settings import SECRET_MAX_BYTES, SettingsError, read_secret_file


@pytest.mark.parametrize(
    ("content", "secret"),
    [(b"s3cret", "s3cret"), (b"s3cret\n", "s3cret"), (b"a\nb\r\n\n", "a\nb"), (b" spaces \n", " spaces ")],
)
def test_a_secret_is_the_file_without_the_line_breaks_at_its_end(
    tmp_path: Path, content: bytes, secret: str
) -> None:
    file = tmp_path / "secret"
    file.write_bytes(content)
    file.chmod(0o444)
    assert read_secret_file(file, "token_file") == read_secret(f"file:{file}") == secret


@pytest.mark.parametrize("content", [b"", b"\n", b"\xff\xfe\x00s3cret", b"s3cret" * SECRET_MAX_BYTES, None])
def test_what_is_no_secret_is_refused_with_its_place_and_without_its_content(
    tmp_path: Path, content: bytes | None
) -> None:
    file = tmp_path / "secret"
    if content is not None:
        file.write_bytes(content)
    for read, error in (
        (lambda: read_secret_file(file, "token_file"), SettingsError),
        (lambda: read_secret(f"file:{file}"), SecretError),
        (lambda: read_token(file), SettingsError),
    ):
        with pytest.raises(error) as refused:
            read()
        assert str(file) in str(refused.value)
        assert "s3cret" not in str(refused.value)


@pytest.mark.parametrize("content", [b"a\nb\n", b"caf\xc3\xa9", b"tab\ttab"])
def test_a_token_is_one_line_of_ASCII(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "token"
    file.write_bytes(content)
    with pytest.raises(SettingsError, match="one line of ASCII"):
        read_token(file)
