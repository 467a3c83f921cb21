"""TLS contexts: what they accept, and how they are replaced."""

import datetime as dt
import logging
import os
import ssl
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization

from amqp_server.net.settings import TlsSettings, TlsVersion
from amqp_server.net.tls import TlsContexts, TlsFilesError, make_context
from tests.support.certificates import Authority, private_bytes
from tests.support.tls_handshake import shake_hands


def serial_number(server: ssl.SSLContext, client: ssl.SSLContext) -> str:
    certificate = shake_hands(server, client)[1].getpeercert()
    assert certificate is not None
    return str(certificate["serialNumber"])


@pytest.mark.parametrize(
    ("accepted", "offered", "expected"),
    [
        (("tlsv1.2", "tlsv1.3"), ssl.TLSVersion.TLSv1_3, "TLSv1.3"),
        (("tlsv1.2", "tlsv1.3"), ssl.TLSVersion.TLSv1_2, "TLSv1.2"),
        (("tlsv1.3",), ssl.TLSVersion.TLSv1_3, "TLSv1.3"),
        (("tlsv1.2",), ssl.TLSVersion.TLSv1_2, "TLSv1.2"),
        (("tlsv1.3",), ssl.TLSVersion.TLSv1_2, None),
        (("tlsv1.2",), ssl.TLSVersion.TLSv1_3, None),
    ],
)
def test_only_the_versions_configured_are_spoken(
    files: TlsSettings,
    client: ssl.SSLContext,
    accepted: tuple[TlsVersion, ...],
    offered: ssl.TLSVersion,
    expected: str | None,
) -> None:
    server = make_context(replace(files, versions=accepted))
    client.minimum_version = client.maximum_version = offered
    if expected is None:
        with pytest.raises(ssl.SSLError):
            shake_hands(server, client)
    else:
        assert shake_hands(server, client)[0].version() == expected


def test_broken_ciphers_and_renegotiation_are_off(files: TlsSettings) -> None:
    context = make_context(files)
    names = " ".join(cipher["name"] for cipher in context.get_ciphers())
    assert not [weak for weak in ("RC4", "3DES", "NULL", "MD5", "EXPORT") if weak in names]
    assert context.options & ssl.OP_NO_RENEGOTIATION
    assert context.options & ssl.OP_NO_COMPRESSION


class TestClientCertificates:
    """mTLS: whose certificate is asked for, and whose is believed."""

    def test_none_is_asked_for_by_default(self, files: TlsSettings, client: ssl.SSLContext) -> None:
        client.load_cert_chain(files.certificate_file, files.key_file)
        assert not shake_hands(make_context(files), client)[0].getpeercert()

    def test_one_is_verified_if_presented(self, files: TlsSettings, client: ssl.SSLContext) -> None:
        server = make_context(replace(files, verify_peer=True))
        assert not shake_hands(server, client)[0].getpeercert()
        client.load_cert_chain(files.certificate_file, files.key_file)
        assert shake_hands(server, client)[0].getpeercert()

    def test_none_is_refused_where_one_is_required(
        self, files: TlsSettings, client: ssl.SSLContext
    ) -> None:
        server = make_context(replace(files, verify_peer=True, require_peer_certificate=True))
        with pytest.raises(ssl.SSLError, match="PEER_DID_NOT_RETURN_A_CERTIFICATE"):
            shake_hands(server, client)

    def test_one_of_another_authority_is_refused(
        self, files: TlsSettings, client: ssl.SSLContext, tmp_path: Path
    ) -> None:
        stranger = Authority("stranger").issue(tmp_path, name="stranger")
        client.load_cert_chain(stranger.certificate_file, stranger.key_file)
        server = make_context(replace(files, verify_peer=True))
        with pytest.raises(ssl.SSLCertVerificationError):
            shake_hands(server, client)

    def test_one_that_has_expired_is_refused(
        self, files: TlsSettings, client: ssl.SSLContext, authority: Authority, tmp_path: Path
    ) -> None:
        yesterday = dt.datetime(2025, 6, 1, tzinfo=dt.UTC)
        old = authority.issue(tmp_path, name="old", not_after=yesterday)
        client.load_cert_chain(old.certificate_file, old.key_file)
        server = make_context(replace(files, verify_peer=True))
        with pytest.raises(ssl.SSLCertVerificationError, match="expired"):
            shake_hands(server, client)


class TestReload:
    """New files for new connections."""

    def test_files_that_did_not_change_are_not_read(self, files: TlsSettings) -> None:
        contexts = TlsContexts(files)
        before = contexts.current
        assert not contexts.reload()
        assert contexts.current is before

    def test_new_files_serve_new_connections_and_old_ones_go_on(
        self, files: TlsSettings, client: ssl.SSLContext, authority: Authority
    ) -> None:
        contexts = TlsContexts(files)
        old_end, old_client = shake_hands(contexts.current, client)
        old_number = serial_number(contexts.current, client)
        authority.issue(files.certificate_file.parent, name="server")
        assert contexts.reload()
        assert serial_number(contexts.current, client) != old_number
        old_certificate = old_client.getpeercert()
        assert old_certificate is not None
        assert old_certificate["serialNumber"] == old_number
        assert old_end.write(b"still here") == 10

    def test_a_touched_file_is_read_again(self, files: TlsSettings) -> None:
        contexts = TlsContexts(files)
        os.utime(files.key_file, ns=(1, 1))
        assert contexts.reload()
        assert not contexts.reload()

    @pytest.mark.parametrize("damage", ["broken", "missing", "of another key"])
    def test_bad_files_change_nothing_until_they_are_good(
        self, files: TlsSettings, damage: str, caplog: pytest.LogCaptureFixture
    ) -> None:
        contexts = TlsContexts(files)
        before = contexts.current
        good = files.key_file.read_bytes()
        if damage == "missing":
            files.key_file.unlink()
        elif damage == "broken":
            files.key_file.write_bytes(good[:50])
        else:
            files.key_file.write_bytes(_another_key())
        with caplog.at_level(logging.ERROR):
            assert not contexts.reload()
        assert contexts.current is before
        assert str(files.key_file) in caplog.text
        files.key_file.write_bytes(good)
        os.utime(files.key_file, ns=(1, 1))
        assert contexts.reload()


def _another_key() -> bytes:
    from cryptography.hazmat.primitives.asymmetric import ec  # noqa: PLC0415 - only here

    return ec.generate_private_key(ec.SECP256R1()).private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"versions": ("tlsv1.1", "tlsv1.2")}, "tlsv1.1"),
        ({"versions": ()}, "versions"),
        ({"ca_file": None, "verify_peer": True}, "net.tls.verify_peer: needs ca_file"),
        ({"require_peer_certificate": True}, "net.tls.require_peer_certificate: needs verify_peer"),
        ({"certificate_file": Path("missing.pem")}, "net.tls.certificate_file"),
        ({"key_file": Path("missing.key")}, "key_file"),
        ({"ca_file": Path("missing.pem")}, "ca_file"),
    ],
)
def test_settings_that_cannot_be_are_named(
    files: TlsSettings, change: dict[str, object], message: str
) -> None:
    with pytest.raises(TlsFilesError, match=message):
        make_context(replace(files, **change))  # type: ignore[arg-type] # by name, from the table


def test_a_ca_file_without_a_certificate_is_refused(files: TlsSettings, tmp_path: Path) -> None:
    (tmp_path / "empty.pem").write_text("nothing\n")
    with pytest.raises(TlsFilesError, match="ca_file"):
        make_context(replace(files, ca_file=tmp_path / "empty.pem"))


def test_an_encrypted_key_is_refused_without_a_question(files: TlsSettings) -> None:
    files.key_file.write_bytes(private_bytes(serialization.BestAvailableEncryption(b"secret")))
    with pytest.raises(TlsFilesError, match="encrypted"):
        make_context(files)
