"""Certificates made while the tests run: an authority, and what it signs."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

Subject = Sequence[Sequence[tuple[x509.ObjectIdentifier, str]]]
"""A distinguished name, first level first; each level has one part, or several."""

NOT_BEFORE = dt.datetime(2025, 1, 1, tzinfo=dt.UTC)
NOT_AFTER = dt.datetime(2045, 1, 1, tzinfo=dt.UTC)


@dataclass(frozen=True)
class Files:
    """Where a certificate and its key have been written, as PEM."""

    certificate_file: Path
    key_file: Path


@lru_cache(maxsize=1)
def key() -> ec.EllipticCurvePrivateKey:
    """One key for all: making it is the slow part, and no test is about keys."""
    return ec.generate_private_key(ec.SECP256R1())


class Authority:
    """A root, and the certificates it signs; its own key is not theirs."""

    def __init__(self, common_name: str = "test root") -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = name_of([[(NameOID.COMMON_NAME, common_name)]])
        self.certificate = self._sign(self._name, self._key.public_key(), is_authority=True)

    def write(self, path: Path) -> Path:
        """Write the root's certificate and return where."""
        path.write_bytes(self.certificate.public_bytes(serialization.Encoding.PEM))
        return path

    def issue(
        self,
        folder: Path,
        subject: str | Subject = "localhost",
        alternatives: Sequence[x509.GeneralName] = (),
        *,
        not_after: dt.datetime = NOT_AFTER,
        name: str = "leaf",
    ) -> Files:
        """Write a certificate for a common name, or a whole distinguished name, and its key."""
        rdns = [[(NameOID.COMMON_NAME, subject)]] if isinstance(subject, str) else subject
        certificate = self._sign(
            name_of(rdns), key().public_key(), alternatives, not_after=not_after
        )
        files = Files(folder / f"{name}.pem", folder / f"{name}.key")
        files.certificate_file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        files.key_file.write_bytes(private_bytes(serialization.NoEncryption()))
        return files

    def _sign(
        self,
        subject: x509.Name,
        public_key: ec.EllipticCurvePublicKey,
        alternatives: Sequence[x509.GeneralName] = (),
        *,
        not_after: dt.datetime = NOT_AFTER,
        is_authority: bool = False,
    ) -> x509.Certificate:
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(public_key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(NOT_BEFORE)
            .not_valid_after(not_after)
            .add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
        )
        if alternatives:
            builder = builder.add_extension(
                x509.SubjectAlternativeName(alternatives), critical=False
            )
        return builder.sign(self._key, hashes.SHA256())


def name_of(subject: Subject) -> x509.Name:
    """Return a distinguished name."""
    return x509.Name(
        [
            x509.RelativeDistinguishedName([x509.NameAttribute(*part) for part in level])
            for level in subject
        ]
    )


def private_bytes(encryption: serialization.KeySerializationEncryption) -> bytes:
    """Return the leaf certificates' key as PEM."""
    return key().private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption
    )
