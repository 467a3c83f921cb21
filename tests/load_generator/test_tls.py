"""A TLS socket behaves as a plain one: nothing there, no room, and what no selector sees."""

import select
import socket
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from cryptography.x509 import DNSName

from load_generator.session import wait_in_kernel
from load_generator.tls import TlsOptions, TlsSocket, wrapped
from load_generator.wire import LoadError
from tests.support.certificates import Authority, Files

TIMEOUT_S = 10


class Trust(NamedTuple):
    """An authority's certificate, and a server's that it signed."""

    ca_file: Path
    server: Files


@pytest.fixture(scope="module")
def trust(tmp_path_factory: pytest.TempPathFactory) -> Trust:
    folder = tmp_path_factory.mktemp("trust")
    authority = Authority()
    server = authority.issue(folder, alternatives=[DNSName("localhost")], name="server")
    return Trust(authority.write(folder / "ca.pem"), server)


class Pair(NamedTuple):
    """Both ends of a connection with TLS."""

    client: TlsSocket
    server: ssl.SSLSocket


def server_context(trust: Trust) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(trust.server.certificate_file, trust.server.key_file)
    return context


def connected(trust: Trust, options: TlsOptions, host: str = "localhost") -> Pair:
    """Shake hands, the server in a thread of its own; raises what the client does."""
    ours, theirs = socket.socketpair()
    theirs.settimeout(TIMEOUT_S)
    ends: list[ssl.SSLSocket] = []

    def serve() -> None:
        try:
            ends.append(server_context(trust).wrap_socket(theirs, server_side=True))
        except OSError:
            theirs.close()

    server = threading.Thread(target=serve)
    server.start()
    try:
        client = wrapped(ours, options, host)
    finally:
        server.join()
    assert isinstance(client, TlsSocket)
    return Pair(client, ends[0])


@pytest.fixture
def pair(trust: Trust) -> Iterator[Pair]:
    made = connected(trust, TlsOptions(ca_file=trust.ca_file))
    yield made
    made.client.close()
    made.server.close()


def test_a_certificate_must_be_trusted_and_name_the_host(trust: Trust) -> None:
    with pytest.raises(LoadError, match="certificate verify failed"):
        connected(trust, TlsOptions())
    with pytest.raises(LoadError, match="Hostname mismatch"):
        connected(trust, TlsOptions(ca_file=trust.ca_file), "elsewhere")
    for end in connected(trust, TlsOptions(verifies=False), "elsewhere"):
        end.close()


def test_files_that_cannot_be_used_are_named(trust: Trust, tmp_path: Path) -> None:
    broken = tmp_path / "broken.pem"
    broken.write_text("hello")
    with pytest.raises(LoadError, match=r"TLS files \S+broken\.pem"):
        TlsOptions(ca_file=broken).context()
    with pytest.raises(LoadError, match=r"TLS files \S+server\.pem"):
        TlsOptions(certificate_file=trust.server.certificate_file).context()


def test_nothing_there_is_what_it_is_of_a_plain_socket(pair: Pair) -> None:
    pair.client.settimeout(0)
    for receive in (lambda: pair.client.recv(10), lambda: pair.client.recv_into(bytearray(10))):
        with pytest.raises(BlockingIOError):
            receive()
    wait_in_kernel(pair.client, 0.01)
    with pytest.raises(BlockingIOError):
        pair.client.recv(10)


def test_a_look_does_not_wait_and_leaves_the_timeout_as_it_was(pair: Pair) -> None:
    pair.client.settimeout(7)
    with pytest.raises(BlockingIOError):
        pair.client.recv(10, socket.MSG_DONTWAIT)
    assert pair.client.gettimeout() == 7
    pair.server.sendall(b"hello")
    assert select.select([pair.client], [], [], TIMEOUT_S)[0]
    assert pair.client.recv(10, socket.MSG_DONTWAIT) == b"hello"


def test_no_decrypted_octet_is_left_where_a_selector_cannot_see_it(pair: Pair) -> None:
    pair.server.sendall(b"x" * 10_000)
    pair.client.settimeout(0)
    buffer = bytearray(20_000)
    assert select.select([pair.client], [], [], TIMEOUT_S)[0]
    assert pair.client.recv_into(buffer) == 10_000
    assert pair.client.pending() == 0


def test_a_full_socket_takes_the_same_octets_again(pair: Pair) -> None:
    data = memoryview(bytes(range(256)) * 4_096)
    pair.client.settimeout(0)
    sent_count, refused_count = 0, 0
    received = bytearray()
    while sent_count < 4:
        try:
            assert pair.client.send(data) == len(data)
            sent_count += 1
        except BlockingIOError:
            refused_count += 1
            received += pair.server.recv(1 << 20)
    assert refused_count
    while len(received) < 4 * len(data):
        received += pair.server.recv(1 << 20)
    assert received == bytes(data) * 4


def test_who_waits_shortly_for_answers_waits_long_for_room(pair: Pair) -> None:
    data = bytes(range(256)) * 16_384
    received = bytearray()

    def read() -> None:
        while len(received) < len(data):
            received.extend(pair.server.recv(1 << 16))

    reader = threading.Thread(target=read)
    wait_in_kernel(pair.client, 0.001)
    reader.start()
    pair.client.sendall(data)
    reader.join(TIMEOUT_S)
    assert received == data


def test_the_end_of_the_stream_is_no_octets(pair: Pair) -> None:
    pair.client.settimeout(TIMEOUT_S)
    pair.server.close()
    assert pair.client.recv(10) == b""
