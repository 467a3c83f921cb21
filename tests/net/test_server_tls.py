"""Encrypted listeners over loopback sockets, and who the client is."""

import contextlib
import logging
import ssl
from dataclasses import replace

import pytest

from amqp_server.net.settings import NetSettings, TlsSettings
from tests.support.certificates import Authority
from tests.support.loops import Run
from tests.support.server_place import LOOPBACK, PROXIED_TLS, TLS, Place, Streams, echo


@pytest.fixture
def files(files: TlsSettings) -> TlsSettings:
    return replace(files, verify_peer=True)


def test_a_client_is_answered(run: Run, files: TlsSettings, client: ssl.SSLContext) -> None:
    data = bytes(range(256)) * 2048

    async def work() -> None:
        async with Place(TLS, settings=NetSettings(tls=files)) as place:
            async with place.client(tls=client) as streams:
                assert await echo(streams, data) == data
            peer = place.connections[0].peer
            assert (peer.is_tls, peer.tls_version) == (True, "TLSv1.3")
            assert peer.tls_cipher is not None
            assert peer.tls_cipher.startswith("TLS_")
            assert (peer.certificate_name, peer.certificate) == (None, None)

    run(work())


def test_a_client_certificate_names_the_user(
    run: Run, files: TlsSettings, client: ssl.SSLContext, authority: Authority
) -> None:
    mine = authority.issue(files.key_file.parent, "alice", name="alice")
    client.load_cert_chain(mine.certificate_file, mine.key_file)

    async def work() -> None:
        async with Place(TLS, settings=NetSettings(tls=files)) as place:
            async with place.client(tls=client) as streams:
                await echo(streams, b"hello")
            peer = place.connections[0].peer
            assert peer.certificate_name == "CN=alice"
            assert peer.certificate is not None
            assert peer.certificate.subject == "CN=alice"

    run(work())


def test_closing_is_clean(run: Run, files: TlsSettings, client: ssl.SSLContext) -> None:
    async def work() -> None:
        async with (
            Place(TLS, settings=NetSettings(tls=files)) as place,
            place.client(tls=client) as (reader, writer),
        ):
            writer.write(b"quit")
            assert await reader.read() == b"bye"

    run(work())


@pytest.mark.parametrize(
    ("greeting", "words"),
    [
        (b"AMQP\x00\x00\x09\x01", "no TLS hello on a port with TLS; is it AMQP without TLS?"),
        (b"GET / HTTP/1.1\r\n\r\n", "an HTTP request on a port with TLS"),
        (b"CONNECT a:1 HTTP/1.1\r\n\r\n", "an HTTP CONNECT on a port with TLS"),
        (b"\x16\x03\x01\x00\x05junk!", "UNEXPECTED_MESSAGE"),
    ],
)
def test_what_is_no_tls_is_refused_quietly_and_in_words(
    run: Run, files: TlsSettings, greeting: bytes, words: str, caplog: pytest.LogCaptureFixture
) -> None:
    async def work() -> None:
        async with (
            Place(TLS, settings=NetSettings(tls=files)) as place,
            place.client() as (reader, writer),
        ):
            writer.write(greeting)
            with contextlib.suppress(ConnectionResetError):
                await reader.read()
            assert place.connections == []

    with caplog.at_level(logging.INFO):
        run(work())
    assert [record.levelname for record in caplog.records] == ["INFO"] * len(caplog.records)
    (refused,) = [line for line in caplog.messages if line.startswith("connection refused")]
    assert words in refused


def test_who_leaves_in_the_middle_of_a_handshake_is_released(
    run: Run, files: TlsSettings, client: ssl.SSLContext, caplog: pytest.LogCaptureFixture
) -> None:
    settings = NetSettings(tls=files, connections_max=1)

    async def work() -> None:
        async with Place(TLS, settings=settings) as place:
            async with place.client() as (_, writer):
                writer.write(b"\x16\x03\x01")
            async with place.client(tls=client) as streams:
                assert await echo(streams, b"hello") == b"hello"

    with caplog.at_level(logging.ERROR):
        run(work())
    assert caplog.records == []


def test_a_new_certificate_is_for_new_connections_and_nobody_is_dropped(
    run: Run, files: TlsSettings, client: ssl.SSLContext, authority: Authority
) -> None:
    def serial_number(streams: Streams) -> str:
        return str(streams[1].get_extra_info("peercert")["serialNumber"])

    async def work() -> None:
        async with (
            Place(TLS, settings=NetSettings(tls=files)) as place,
            place.client(tls=client) as old,
        ):
            authority.issue(files.key_file.parent, name="server")
            assert place.server.reload_certificates()
            async with place.client(tls=client) as new:
                assert serial_number(new) != serial_number(old)
                assert await echo(new, b"new") == b"new"
            assert await echo(old, b"old") == b"old"

    run(work())


def test_the_proxy_speaks_before_tls_begins(
    run: Run, files: TlsSettings, client: ssl.SSLContext
) -> None:
    settings = NetSettings(tls=files, proxy_networks=LOOPBACK)

    async def work() -> None:
        place = Place(PROXIED_TLS, settings=settings)
        async with place, place.client() as (reader, writer):
            writer.write(b"PROXY TCP4 198.51.100.5 198.51.100.7 51000 5671\r\n")
            await writer.start_tls(client)
            assert await echo((reader, writer), b"hello") == b"hello"
            peer = place.connections[0].peer
            assert (peer.address, peer.is_tls) == ("198.51.100.5", True)

    run(work())
