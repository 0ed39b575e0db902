"""One authority, and a certificate for each server of the cluster."""

import datetime as dt
import ipaddress
import os
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

_HOST: Final = "127.0.0.1"
_GOOD_FOR: Final = dt.timedelta(days=30)


class Authority:
    """Signs the certificates of one cluster. Its files are in one folder, and private keys have mode 0600."""

    def __init__(self, folder: Path) -> None:
        """Make it, or read the one that was made in `folder`."""
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._folder = folder
        self.file = folder / "authority.crt"
        """What clients and servers trust."""
        secret = folder / "authority.key"
        if secret.exists():
            key = serialization.load_pem_private_key(secret.read_bytes(), password=None)
            assert isinstance(key, ec.EllipticCurvePrivateKey)
            self._key = key
        else:
            self._key = ec.generate_private_key(ec.SECP256R1())
            _replace(secret, _pem(self._key))
            _replace(self.file, self._own().public_bytes(serialization.Encoding.PEM), mode=0o644)
        self._certificate = x509.load_pem_x509_certificate(self.file.read_bytes())

    def certificate(self, name: str) -> Path:
        """NAME.pem of `issue`, which is made if there is none yet."""
        whole = self._folder / f"{name}.pem"
        return whole if whole.exists() else self.issue(name)

    def issue(self, name: str) -> Path:
        """A new key and certificate for this host: NAME.pem has both and the authority's, in this order.

        NAME.crt and NAME.key have them apart. What was there is replaced.
        """
        key = ec.generate_private_key(ec.SECP256R1())
        alternatives = (x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address(_HOST)))
        usages = (ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH)
        certificate = (
            _begun(name, key, self._certificate.subject, self._key)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
            # A broker is also a client, of the other brokers.
            .add_extension(x509.ExtendedKeyUsage(usages), critical=False)
            .sign(self._key, hashes.SHA256())
            .public_bytes(serialization.Encoding.PEM)
        )
        _replace(self._folder / f"{name}.crt", certificate, mode=0o644)
        _replace(self._folder / f"{name}.key", _pem(key))
        whole = self._folder / f"{name}.pem"
        _replace(whole, _pem(key) + certificate + self.file.read_bytes())
        return whole

    def _own(self) -> x509.Certificate:
        usage = x509.KeyUsage(
            digital_signature=False,
            content_commitment=False,
            key_encipherment=False,
            data_encipherment=False,
            key_agreement=False,
            key_cert_sign=True,
            crl_sign=True,
            encipher_only=False,
            decipher_only=False,
        )
        name = "authority of the cluster"
        return (
            _begun(name, self._key, _named(name), self._key)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(usage, critical=True)
            .sign(self._key, hashes.SHA256())
        )


def _begun(
    name: str, key: ec.EllipticCurvePrivateKey, issuer: x509.Name, signer: ec.EllipticCurvePrivateKey
) -> x509.CertificateBuilder:
    now = dt.datetime.now(dt.UTC)
    # Python's strict check of a chain wants both identifiers of keys.
    return (
        x509.CertificateBuilder()
        .subject_name(_named(name))
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(hours=1))
        .not_valid_after(now + _GOOD_FOR)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False
        )
    )


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    # Kafka reads this form of a private key only.
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _replace(path: Path, content: bytes, *, mode: int = 0o600) -> None:
    """Put a whole file in place: a broker that reads it at this moment finds the old one or the new one."""
    fresh = path.with_name(f".{path.name}")
    fresh.unlink(missing_ok=True)
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
        file.write(content)
    fresh.replace(path)
