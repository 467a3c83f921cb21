"""Clients that read nothing, leave in the middle or are reset, on both loops, over sockets."""

import socket
from pathlib import Path

import pytest

from amqp_server.net.settings import NetSettings, TlsSettings
from tests.support.certificates import Authority
from tests.support.fake_connection import FakeConnection
from tests.support.loops import Run
from tests.support.server_place import TLS, Place, fill, reset
from tests.support.tls_handshake import client_context

DELIVERY = b"d" * 262_144
MIB = 1_048_576


def deliver_at_each_read(connection: FakeConnection) -> None:
    connection.on_data = lambda data: connection.send(DELIVERY)


def test_a_client_that_reads_nothing_is_heard_all_the_same(run: Run) -> None:
    """Its deliveries wait in the outbox, where they have a mark; the fake has none."""

    async def work() -> None:
        async with Place() as place, place.raw_client() as (peer, connection):
            deliver_at_each_read(connection)
            while connection.is_delivering:
                peer.send(b"publish")
                seen = len(connection.received)
                await place.until(lambda seen=seen: len(connection.received) > seen)  # type: ignore[misc]
            sent = fill(peer)
            seen = len(connection.received)
            await place.until(lambda: len(connection.received) >= seen + sent)
            unsent_bytes = next(iter(place.server.transports)).unsent_bytes
            assert 0 < unsent_bytes <= len(DELIVERY), "one write is all that is outside the outbox"
            peer.shutdown(socket.SHUT_WR)
            await place.until(lambda: connection.has_ended)
            reset(peer)
            await place.until(lambda: connection.lost_count == 1)

    run(work())


@pytest.mark.parametrize("unread", [False, True])
def test_the_end_of_a_client_that_an_alarm_holds_is_noticed(run: Run, unread: bool) -> None:
    async def work() -> None:
        async with Place() as place, place.raw_client() as (peer, connection):
            connection.on_data = lambda data: None
            connection.is_blocked, connection.is_wanted = True, False
            peer.send(b"publish")
            await place.until(lambda: bool(connection.received))
            if unread:
                fill(peer)
            reset(peer)
            await place.until(lambda: connection.lost_count == 1)

    run(work())


def test_what_came_before_the_end_is_answered_after_it(run: Run) -> None:
    async def work() -> None:
        async with Place() as place, place.raw_client() as (peer, connection):
            connection.on_data = lambda data: None
            connection.has_input_left = True
            peer.send(b"ask for much")
            peer.shutdown(socket.SHUT_WR)
            await place.until(lambda: connection.eof_count == 1)
            connection.send(b"answer")
            connection.close()
            await place.until(lambda: connection.lost_count == 1)
            assert peer.recv(100) == b"answer"
            assert peer.recv(100) == b""

    run(work())


def test_a_reset_in_the_middle_of_an_answer_is_an_end(run: Run) -> None:
    async def work() -> None:
        async with Place() as place, place.raw_client() as (peer, connection):
            connection.is_wanted = False
            connection.on_data = lambda data: connection.send(bytes(32 * MIB))
            peer.send(b"ask")
            await place.until(lambda: not connection.is_delivering)
            reset(peer)
            await place.until(lambda: connection.lost_count == 1)

    run(work())


def test_tls_reads_on_while_nothing_of_it_is_read(run: Run, tmp_path: Path) -> None:
    authority = Authority()
    leaf = authority.issue(tmp_path, name="server")
    context = client_context(str(authority.write(tmp_path / "ca.pem")))
    files = TlsSettings(certificate_file=leaf.certificate_file, key_file=leaf.key_file)

    async def work() -> None:
        async with Place(TLS, settings=NetSettings(tls=files)) as place:
            async with place.client(tls=context) as (_, writer):
                writer.write(b"first")
                await place.until(lambda: bool(place.connections and place.connections[0].received))
                connection = place.connections[0]
                deliver_at_each_read(connection)
                while connection.is_delivering:
                    writer.write(b"publish")
                    seen = len(connection.received)
                    await place.until(lambda seen=seen: len(connection.received) > seen)  # type: ignore[misc]
                connection.on_data = lambda data: None
                seen = len(connection.received)
                writer.write(b"p" * MIB)
                await place.until(lambda: len(connection.received) == seen + MIB)
                writer.transport.abort()
            await place.until(lambda: connection.lost_count == 1)

    run(work())
