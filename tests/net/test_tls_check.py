"""TLS files are judged without a client: all that is wrong with them, by key and file."""

import datetime as dt
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from amqp_server.net.settings import TlsSettings
from amqp_server.net.tls_check import tls_problems
from tests.support.certificates import NOT_AFTER, Authority

NOW_S = dt.datetime(2026, 6, 1, tzinfo=dt.UTC).timestamp()
PAST = dt.datetime(2025, 6, 1, tzinfo=dt.UTC)


@pytest.fixture
def files(files: TlsSettings) -> TlsSettings:
    return replace(files, verify_peer=True, require_peer_certificate=True)


def test_good_files_have_no_problem(files: TlsSettings) -> None:
    assert tls_problems(files, NOW_S) == []
    assert tls_problems(replace(files, ca_file=None, verify_peer=False), NOW_S) == []


def test_every_file_that_cannot_be_read_is_named(files: TlsSettings) -> None:
    nowhere = Path("missing")
    wrong = replace(files, certificate_file=nowhere, key_file=nowhere, ca_file=nowhere)
    assert tls_problems(wrong, NOW_S) == [
        "net.tls.certificate_file: missing: No such file or directory",
        "net.tls.key_file: missing: No such file or directory",
        "net.tls.ca_file: missing: No such file or directory",
    ]


def test_a_key_of_another_certificate_is_seen(
    files: TlsSettings, authority: Authority, tmp_path: Path
) -> None:
    authority_key = tmp_path / "other.key"
    authority_key.write_bytes(other_key())
    (problem,) = tls_problems(replace(files, key_file=authority_key), NOW_S)
    assert problem.endswith(": the key is not the certificate's")
    assert f"{files.certificate_file}, {authority_key}" in problem


def other_key() -> bytes:
    return ec.generate_private_key(ec.SECP256R1()).private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def test_an_expired_certificate_is_seen(
    files: TlsSettings, authority: Authority, tmp_path: Path
) -> None:
    old = authority.issue(tmp_path, not_after=PAST, name="old")
    expired = replace(files, certificate_file=old.certificate_file)
    assert tls_problems(expired, NOW_S) == [
        f"net.tls.certificate_file: {old.certificate_file}: certificate has expired"
    ]


def test_an_expired_authority_is_seen(files: TlsSettings) -> None:
    (problem,) = tls_problems(files, NOT_AFTER.timestamp() + 1)
    assert problem.startswith(f"net.tls.ca_file: {files.ca_file}: expired at ")


def test_a_leaf_is_no_authority(files: TlsSettings) -> None:
    assert tls_problems(replace(files, ca_file=files.certificate_file), NOW_S) == [
        f"net.tls.ca_file: {files.certificate_file}: holds no certificate of an authority"
    ]


@pytest.mark.parametrize("key", ["certificate_file", "key_file", "ca_file"])
@pytest.mark.parametrize("octets", [b"", b"hello", b"\x00\xff" * 500])
def test_what_is_no_pem_is_named(
    files: TlsSettings, tmp_path: Path, key: str, octets: bytes
) -> None:
    garbage = tmp_path / "garbage.pem"
    garbage.write_bytes(octets)
    settings = replace(files, **{key: garbage})  # type: ignore[arg-type] # a path
    (problem,) = tls_problems(settings, NOW_S)
    assert f"net.tls.{key}" in problem
    assert str(garbage) in problem
