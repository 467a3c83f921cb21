"""The whole shell over loopback sockets, on both loops: plain, PROXY, limits, and the end."""

import asyncio
import contextlib
import gc
import logging
import socket
import struct
from pathlib import Path

import pytest

from amqp_server.net.listener import ListenError
from amqp_server.net.server import SHUTDOWN_REASON
from amqp_server.net.settings import ListenerSettings, NetSettings, TlsSettings
from amqp_server.net.transport import Transport
from tests.support.certificates import Authority
from tests.support.fake_connection import FakeConnection
from tests.support.loops import NEEDS_IPV6, Run
from tests.support.ports import free_port
from tests.support.server_place import LOOPBACK, PLAIN, PROXIED, TLS, Place, Streams, echo


def test_a_client_is_answered(run: Run) -> None:
    async def work() -> None:
        async with Place() as place, place.client() as streams:
            assert await echo(streams, b"hello") == b"hello"
            peer = place.connections[0].peer
            assert peer.port == streams[1].get_extra_info("sockname")[1]
            assert (peer.address, peer.is_loopback, peer.is_tls) == ("127.0.0.1", True, False)

    run(work())


@NEEDS_IPV6
def test_both_families_are_served_and_ipv4_stays_ipv4(run: Run) -> None:
    async def work() -> None:
        async with Place(ListenerSettings(address="*", port=0)) as place:
            for host in ("127.0.0.1", "::1"):
                async with place.client(host) as streams:
                    await echo(streams, b"hello")
            assert [peer.peer.address for peer in place.connections] == ["127.0.0.1", "::1"]

    run(work())


def test_much_data_arrives_whole_both_ways(run: Run) -> None:
    async def work() -> None:
        data = bytes(range(256)) * 8192
        async with Place() as place, place.client() as streams:
            assert await echo(streams, data) == data
            assert place.connections[0].received == data

    run(work())


def test_a_transport_that_is_over_lets_go_of_its_connection(run: Run) -> None:
    """They know each other: thousands of short ones would wait for the cyclic collector."""

    def holders(connection: FakeConnection) -> list[object]:
        return [one for one in gc.get_referrers(connection) if isinstance(one, Transport)]

    async def work() -> None:
        async with Place() as place, place.client() as streams:
            await echo(streams, b"hello")
            assert len(holders(place.connections[0])) == 1
        assert holders(place.connections[0]) == []

    run(work())


def test_a_peer_that_left_before_it_was_accepted_is_not_counted(
    run: Run, caplog: pytest.LogCaptureFixture
) -> None:
    async def work() -> None:
        async with Place() as place:
            client = socket.create_connection(("127.0.0.1", place.server.bound[0][1]))
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            client.close()
            async with place.client() as streams:
                await echo(streams, b"hello")
                assert len(place.connections) == place.server._acceptor.open_count == 1

    with caplog.at_level(logging.INFO):
        run(work())
    (refused,) = [line for line in caplog.messages if line.startswith("connection refused")]
    assert "Transport endpoint is not connected" in refused


def test_a_slow_consumer_is_held_to_its_bound_and_gets_everything(run: Run) -> None:
    """Deliveries of 64 KiB per turn go on for as long as the connection may deliver."""
    high_bytes, chunk, total_bytes = 131_072, b"d" * 65_536, 16_777_216
    settings = NetSettings(write_high_watermark_bytes=high_bytes)

    async def work() -> None:
        async with Place(settings=settings) as place, place.client() as (reader, writer):
            writer.write(b"consume")
            sent_bytes = 0
            is_held = asyncio.Event()

            def deliver() -> None:
                nonlocal sent_bytes
                if place.connections and sent_bytes < total_bytes:
                    if place.connections[0].is_delivering:
                        sent_bytes += len(chunk)
                        place.connections[0].send(chunk)
                        place.reactor.request_turn()
                    else:
                        is_held.set()

            place.broker.on_turn = deliver
            await is_held.wait()
            (shell,) = place.server.transports
            assert shell._transport.get_write_buffer_size() <= high_bytes // 2 + len(chunk)
            assert sent_bytes < total_bytes
            await reader.readexactly(len(b"consume") + total_bytes)

    run(work())


def test_a_peer_that_is_reset_in_the_middle_of_output_leaves_no_trace(
    run: Run, caplog: pytest.LogCaptureFixture
) -> None:
    async def work() -> None:
        async with Place() as place:
            client = socket.create_connection(("127.0.0.1", place.server.bound[0][1]))
            client.send(b"x" * 10_000)
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            await place.heard.wait()
            lost = asyncio.Event()
            place.connections[0].on_eof = lost.set
            client.close()
            for _ in range(10):
                place.connections[0].send(b"y" * 10_000)
                await asyncio.sleep(0)
            await lost.wait()

    with caplog.at_level(logging.WARNING):
        run(work())
    assert caplog.records == []


def test_last_words_arrive_even_if_the_peer_is_still_talking(run: Run) -> None:
    async def work() -> None:
        async with Place() as place, place.client() as (reader, writer):
            await echo((reader, writer), b"hello")
            place.connections[0].on_data = lambda data: None
            place.connections[0].is_wanted = False
            place.heard.clear()
            writer.write(b"z" * 4_000_000)
            await place.heard.wait()
            place.connections[0].send(b"last words")
            place.connections[0].close()
            assert await reader.read() == b"last words"

    run(work())


class TestProxy:
    """Listeners behind a load balancer."""

    SETTINGS = NetSettings(proxy_networks=LOOPBACK)

    @pytest.mark.parametrize(
        ("header", "address"),
        [
            (b"PROXY TCP4 198.51.100.5 198.51.100.7 51000 5672\r\n", "198.51.100.5"),
            (
                (
                    b"\r\n\r\n\x00\r\nQUIT\n\x21\x11\x00\x0c"
                    b"\xc6\x33\x64\x05\xc6\x33\x64\x07\xc7\x38\x16\x28"
                ),
                "198.51.100.5",
            ),
        ],
    )
    def test_the_client_is_who_the_header_says(self, run: Run, header: bytes, address: str) -> None:
        async def work() -> None:
            async with (
                Place(PROXIED, settings=self.SETTINGS) as place,
                place.client() as (reader, writer),
            ):
                writer.write(header + b"hello")
                assert await reader.readexactly(5) == b"hello"
                assert place.connections[0].received == b"hello"
                peer = place.connections[0].peer
                assert peer.connection_name == f"{address}:51000 -> 198.51.100.7:5672"
                assert not peer.is_loopback

        run(work())

    @pytest.mark.parametrize(
        ("settings", "sent"),
        [
            (SETTINGS, b"AMQP\x00\x00\x09\x01"),
            (SETTINGS, b"PROXY " + b"x" * 200),
            (NetSettings(), b"PROXY TCP4 127.0.0.1 127.0.0.1 51000 5672\r\n"),
            (
                NetSettings(proxy_networks=("10.0.0.0/8", "::1/128")),
                b"PROXY TCP4 127.0.0.1 127.0.0.1 51000 5672\r\n",
            ),
        ],
        ids=["no header", "endless", "nobody trusted", "others trusted"],
    )
    def test_whoever_is_no_trusted_proxy_is_cut_off_without_an_answer(
        self, run: Run, settings: NetSettings, sent: bytes, caplog: pytest.LogCaptureFixture
    ) -> None:
        async def work() -> None:
            async with (
                Place(PROXIED, settings=settings) as place,
                place.client() as (reader, writer),
            ):
                writer.write(sent)
                with contextlib.suppress(ConnectionResetError):
                    assert await reader.read() == b""
                assert place.connections == []

        with caplog.at_level(logging.WARNING):
            run(work())
        assert caplog.records == []

    def test_a_header_on_a_plain_listener_is_just_bytes(self, run: Run) -> None:
        header = b"PROXY TCP4 198.51.100.5 198.51.100.7 51000 5672\r\n"

        async def work() -> None:
            async with Place(settings=self.SETTINGS) as place, place.client() as streams:
                assert await echo(streams, header) == header
                assert place.connections[0].peer.address == "127.0.0.1"

        run(work())


def test_listening_is_all_or_nothing(run: Run) -> None:
    async def work() -> None:
        async with Place() as place:
            port = place.server.bound[0][1]
            other = Place(PLAIN, ListenerSettings(port=port))
            with pytest.raises(ListenError, match=str(port)):
                await other.__aenter__()
            assert other.server.bound == []
            await other.server.stop()
            without_tls = Place(TLS)
            with pytest.raises(ListenError, match=r"there is no net\.tls"):
                await without_tls.__aenter__()

    run(work())


@NEEDS_IPV6
def test_two_listeners_share_a_port_between_the_families(run: Run) -> None:
    async def work() -> None:
        async with Place() as place:
            port = place.server.bound[0][1]
            place.server.stop_listening()
            both = (
                ListenerSettings(address="::", port=port),
                ListenerSettings(address="0.0.0.0", port=port),
            )
            async with Place(*both) as shared:
                addresses = [(bound.address, bound.port) for bound in shared.server.bound]
                assert addresses == [("::", port), ("0.0.0.0", port)]

    run(work())


class TestStop:
    """The node goes down, and everybody is told."""

    def test_everybody_is_told_why_and_gone(self, run: Run) -> None:
        async def read_to_the_end(streams: Streams) -> bytes:
            last_words = await streams[0].read()
            streams[1].close()
            return last_words

        async def work() -> None:
            async with Place() as place, place.client() as first, place.client() as second:
                for streams in (first, second):
                    await echo(streams, b"hello")
                heard = asyncio.gather(read_to_the_end(first), read_to_the_end(second))
                await place.server.stop()
                assert place.server.transports == set()
                assert set(await heard) == {b"closing"}
                assert [connection.shut_down_reason for connection in place.connections] == [
                    SHUTDOWN_REASON
                ] * 2
                assert place.server.bound == []

        run(work())

    def test_who_does_not_answer_is_cut_off_after_the_grace_period(self, run: Run) -> None:
        async def work() -> None:
            settings = NetSettings(shutdown_grace_ms=5)
            async with Place(settings=settings) as place, place.client() as (reader, writer):
                await echo((reader, writer), b"hello")
                place.connections[0].on_shut_down = lambda: None
                await place.server.stop()
                assert place.server.transports == set()
                with contextlib.suppress(ConnectionResetError):
                    assert await reader.read() == b"closing"

        run(work())

    @pytest.mark.parametrize("where", [PROXIED, TLS])
    def test_who_has_not_introduced_himself_is_not_waited_for(
        self, run: Run, where: ListenerSettings, tmp_path: Path
    ) -> None:
        leaf = Authority().issue(tmp_path)
        tls = TlsSettings(certificate_file=leaf.certificate_file, key_file=leaf.key_file)
        settings = NetSettings(tls=tls, proxy_networks=LOOPBACK, shutdown_grace_ms=60_000)

        async def work() -> None:
            place = Place(where, settings=settings)
            async with place, place.client() as (reader, writer):
                writer.write(b"\x16" if where.tls else b"PROXY")
                for _ in range(10):
                    await asyncio.sleep(0)
                assert len(place.server._welcomes) == 1
                await place.server.stop()
                with contextlib.suppress(ConnectionResetError):
                    assert await reader.read() == b""

        run(work())

    def test_who_comes_at_the_very_moment_is_told_as_well(
        self, run: Run, caplog: pytest.LogCaptureFixture
    ) -> None:
        async def work() -> None:
            settings = NetSettings(shutdown_grace_ms=60_000)
            async with Place(settings=settings) as place:
                made = asyncio.Event()
                place.on_made = made.set
                stopping = asyncio.create_task(_stop_when(made, place))
                async with place.client() as (reader, _):
                    assert await reader.read() == b"closing"
                await stopping
                assert place.server.transports == set()

        with caplog.at_level(logging.WARNING):
            run(work())
        assert caplog.records == []

    def test_one_that_was_closed_to_clients_opens_again_and_stops_in_order(self, run: Run) -> None:
        async def work() -> None:
            where = ListenerSettings(address="127.0.0.1", port=free_port())
            async with Place(where) as place:
                async with place.client() as streams:
                    await echo(streams, b"hello")
                    place.server.turn_away("why")
                    assert await streams[0].read() == b"closing"
                assert place.connections[0].shut_down_reason == "why"
                with pytest.raises(ConnectionRefusedError):
                    await asyncio.open_connection("127.0.0.1", where.port)
                place.server.let_in()
                async with place.client() as streams:
                    await echo(streams, b"again")
                    stopping = asyncio.create_task(place.server.stop())
                    assert await streams[0].read() == b"closing"
                await stopping
                assert place.connections[1].shut_down_reason == SHUTDOWN_REASON

        run(work())

    def test_a_server_without_connections_stops_at_once(self, run: Run) -> None:
        async def work() -> None:
            async with Place(settings=NetSettings(shutdown_grace_ms=60_000)):
                pass

        run(work())


async def _stop_when(made: asyncio.Event, place: Place) -> None:
    await made.wait()
    await place.server.stop()


def test_a_socket_that_is_adopted_is_a_client_like_any_other(run: Run) -> None:
    async def work() -> None:
        async with Place() as place:
            listening = socket.create_server(("127.0.0.1", 0))
            near = socket.create_connection(listening.getsockname())
            far, _ = listening.accept()
            listening.close()
            far.setblocking(False)
            place.server.adopt(far)
            streams = await asyncio.open_connection(sock=near)
            assert await echo(streams, b"hello") == b"hello"
            streams[1].close()

    run(work())
