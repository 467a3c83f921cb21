"""A relay passes octets both ways, holds what is cut, and passes it on when it is healed."""

import contextlib
import os
import socket
from collections.abc import Iterator

import pytest

from load_generator.verifying.relay import BUFFER_BYTES, Address, Relays, inode_of, owner_of

HOST = "127.0.0.1"
SOON_S = 5.0
SILENCE_S = 0.05


class Pair:
    """A dialer ``a`` and a listener ``b``, with a relay between them."""

    def __init__(self) -> None:
        self.listener = socket.create_server((HOST, 0))
        self.listener.settimeout(SOON_S)
        self.asked: list[Address] = []
        self.relays = Relays(self.who)
        self.address = self.relays.add("b", (HOST, 0), self.listener.getsockname())

    def who(self, address: Address) -> str:
        self.asked.append(address)
        return "a"

    def dial(self) -> socket.socket:
        dialed = socket.create_connection(self.address)
        dialed.settimeout(SOON_S)
        return dialed

    def accept(self) -> socket.socket:
        accepted, _ = self.listener.accept()
        accepted.settimeout(SOON_S)
        return accepted

    def close(self) -> None:
        self.relays.close()
        self.listener.close()


@pytest.fixture
def pair() -> Iterator[Pair]:
    made = Pair()
    yield made
    made.close()


def is_silent(connection: socket.socket) -> bool:
    connection.settimeout(SILENCE_S)
    try:
        connection.recv(100)
    except TimeoutError:
        return True
    finally:
        connection.settimeout(SOON_S)
    return False


def read(connection: socket.socket, count: int) -> bytes:
    octets = b""
    while len(octets) < count:
        octets += connection.recv(1 << 16)
    return octets


def test_octets_go_both_ways(pair: Pair) -> None:
    with pair.dial() as dialed, pair.accept() as accepted:
        dialed.sendall(b"question")
        assert accepted.recv(100) == b"question"
        accepted.sendall(b"answer")
        assert dialed.recv(100) == b"answer"
        assert pair.asked == [dialed.getsockname()]


def test_much_goes_through_in_order(pair: Pair) -> None:
    octets = bytes(range(256)) * 8_192
    with pair.dial() as dialed, pair.accept() as accepted:
        dialed.setblocking(False)
        sent = 0
        got = b""
        while len(got) < len(octets):
            try:
                sent += dialed.send(octets[sent:])
            except BlockingIOError:
                got += accepted.recv(1 << 20)
            else:
                if sent == len(octets):
                    got += read(accepted, len(octets) - len(got))
        assert got == octets


@pytest.mark.parametrize("way", [("a", "b"), ("b", "a")])
def test_a_cut_holds_one_direction_until_it_is_healed(pair: Pair, way: tuple[str, str]) -> None:
    with pair.dial() as dialed, pair.accept() as accepted:
        ends = {"a": dialed, "b": accepted}
        source, target = ends[way[0]], ends[way[1]]
        pair.relays.cut([way])
        source.sendall(b"held")
        target.sendall(b"free")
        assert source.recv(100) == b"free"
        assert is_silent(target)
        pair.relays.heal()
        assert target.recv(100) == b"held"


def test_a_cut_of_others_is_none_of_ours(pair: Pair) -> None:
    pair.relays.cut([("a", "c"), ("c", "b")])
    with pair.dial() as dialed, pair.accept() as accepted:
        dialed.sendall(b"free")
        assert accepted.recv(100) == b"free"


def test_a_held_direction_has_a_bound(pair: Pair) -> None:
    with pair.dial() as dialed, pair.accept():
        pair.relays.cut([("a", "b")])
        dialed.settimeout(SILENCE_S)
        with pytest.raises(TimeoutError):
            dialed.sendall(bytes(BUFFER_BYTES * 1_000))


@pytest.mark.parametrize("way", [("a", "b"), ("b", "a")])
def test_a_connection_that_is_made_in_a_cut_waits(pair: Pair, way: tuple[str, str]) -> None:
    pair.relays.cut([way])
    with pair.dial() as dialed:
        dialed.sendall(b"hello")
        pair.listener.settimeout(SILENCE_S)
        with pytest.raises(TimeoutError):
            pair.accept()
        pair.listener.settimeout(SOON_S)
        pair.relays.heal()
        with pair.accept() as accepted:
            assert accepted.recv(100) == b"hello"


def test_an_end_that_says_no_more_still_hears(pair: Pair) -> None:
    with pair.dial() as dialed, pair.accept() as accepted:
        dialed.sendall(b"last")
        dialed.shutdown(socket.SHUT_WR)
        assert accepted.recv(100) == b"last"
        assert accepted.recv(100) == b""
        accepted.sendall(b"heard")
        assert dialed.recv(100) == b"heard"
        accepted.close()
        assert dialed.recv(100) == b""


def test_a_node_that_is_down_refuses(pair: Pair) -> None:
    pair.listener.close()
    with pair.dial() as dialed, contextlib.suppress(ConnectionResetError):
        assert dialed.recv(100) == b""


def test_to_close_is_to_end_all_connections() -> None:
    pair = Pair()
    with pair.dial() as dialed, pair.accept() as accepted:
        dialed.sendall(b"x")
        accepted.recv(1)
        pair.close()
        assert dialed.recv(100) == b""
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(pair.address)


def test_a_socket_is_found_with_its_owner() -> None:
    with socket.create_server((HOST, 0)) as listener:
        address: Address = listener.getsockname()
        assert owner_of(address, [1, os.getpid()]) == os.getpid()
        assert owner_of(address, []) is None
    assert owner_of((HOST, address[1]), [os.getpid()]) is None


def test_addresses_are_read_from_the_kernels_table() -> None:
    table = (
        "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout"
        " inode\n"
        "   0: 0100007F:1538 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0"
        " 4711 1 0000000000000000 100 0 0 10 0\n"
    )
    assert inode_of(("127.0.0.1", 5432), table) == 4711
    assert inode_of(("127.0.0.2", 5432), table) is None
    assert inode_of(("127.0.0.1", 5433), table) is None
