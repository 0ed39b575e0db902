"""Keys, beyond the signatures in the golden files."""

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from assent_contracts.client.keys import SecretKey

SEED = bytes(range(32))


def test_derived_secret_matches_HKDF_in_any_language() -> None:
    by_the_rfc = HKDF(SHA256(), 32, salt=b"assent.derive.v1", info=b"assent.a").derive(SEED)
    assert SecretKey("k", "gateway", SEED).derive(b"assent.a") == by_the_rfc


def test_each_context_and_each_key_has_its_own_secret() -> None:
    key, other = SecretKey("k", "gateway", SEED), SecretKey("k", "gateway")
    assert len({key.derive(b"a"), key.derive(b"b"), other.derive(b"a"), SEED}) == 4
