"""Keys, beyond the signatures in the golden files."""

from pathlib import Path

import pytest
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from assent_contracts.client.keys import SecretKey, load_key

SEED = bytes(range(32))


def test_derived_secret_matches_HKDF_in_any_language() -> None:
    by_the_rfc = HKDF(SHA256(), 32, salt=b"assent.derive.v1", info=b"assent.a").derive(SEED)
    assert SecretKey("k", "gateway", SEED).derive(b"assent.a") == by_the_rfc


def test_each_context_and_each_key_has_its_own_secret() -> None:
    key, other = SecretKey("k", "gateway", SEED), SecretKey("k", "gateway")
    assert len({key.derive(b"a"), key.derive(b"b"), other.derive(b"a"), SEED}) == 4


def test_key_file_that_every_user_can_read_is_told_and_the_secret_is_not(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "alice.key"
    SecretKey("k", "alice", SEED).save(path)
    assert load_key(path).public == SecretKey("k", "alice", SEED).public
    path.chmod(0o640)
    load_key(path)
    assert caplog.messages == []
    path.chmod(0o644)
    load_key(path)
    assert caplog.messages == [f"{path} can be read by every user of this machine: chmod 600 it"]
