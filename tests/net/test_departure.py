"""A peer that leaves while nothing is read of it: who is watched, and who is a lost cause."""

import asyncio
from typing import cast

import pytest

from amqp_server.net.departure import Departure
from tests.support.fake_connection import FakeConnection
from tests.support.shell_rig import PEER, FakeHangUps


class FakeTransport:
    """Has a socket, or none."""

    def __init__(self, *, has_socket: bool = True) -> None:
        self.has_socket = has_socket
        self.asked_count = 0

    def get_extra_info(self, name: str) -> object:
        self.asked_count += 1
        return self if self.has_socket else None

    def fileno(self) -> int:
        return 7


def as_transport(fake: FakeTransport) -> asyncio.Transport:
    return cast("asyncio.Transport", fake)


@pytest.fixture
def hang_ups() -> FakeHangUps:
    return FakeHangUps()


@pytest.fixture
def departure(hang_ups: FakeHangUps) -> Departure:
    return Departure(hang_ups)


@pytest.fixture
def connection() -> FakeConnection:
    return FakeConnection(PEER, lambda: None, 0)


def test_a_peer_is_watched_until_it_is_read_again(
    departure: Departure, hang_ups: FakeHangUps
) -> None:
    transport = FakeTransport()
    departure.watch(as_transport(transport), lambda is_reset: None)
    assert list(hang_ups.watched) == [7]
    departure.look_again(100, 0)
    departure.forget(as_transport(transport))
    assert (list(hang_ups.watched), departure.look_at_ms) == ([], None)


def test_who_is_not_watched_costs_nothing_to_forget(departure: Departure) -> None:
    transport = FakeTransport()
    departure.forget(as_transport(transport))
    assert transport.asked_count == 0


def test_what_has_no_socket_is_not_watched(departure: Departure, hang_ups: FakeHangUps) -> None:
    departure.watch(as_transport(FakeTransport(has_socket=False)), lambda is_reset: None)
    assert not hang_ups.watched


@pytest.mark.parametrize(("unsent_bytes", "is_lost"), [(9, False), (10, True), (11, True)])
def test_who_takes_nothing_is_a_lost_cause(
    departure: Departure, connection: FakeConnection, unsent_bytes: int, is_lost: bool
) -> None:
    departure.look_again(100, 10)
    assert departure.is_lost_cause(connection, unsent_bytes) is is_lost


@pytest.mark.parametrize(
    ("is_blocked", "is_reset", "is_waited_for", "is_lost"),
    [
        (True, True, False, True),
        (True, False, True, True),
        (True, False, False, False),
        (False, True, True, False),
    ],
)
def test_whom_an_alarm_blocks_is_one_if_it_has_reset_or_others_wait(
    departure: Departure,
    connection: FakeConnection,
    is_blocked: bool,
    is_reset: bool,
    is_waited_for: bool,
    is_lost: bool,
) -> None:
    departure.note(is_reset=is_reset)
    connection.is_blocked, connection.is_waited_for = is_blocked, is_waited_for
    assert departure.is_lost_cause(connection, None) is is_lost
