"""Lanes come off the rota when they are due, and their sockets are waited for together."""

from collections.abc import Iterator
from typing import NamedTuple

import pytest

from load_generator import wire
from load_generator.lane import Lane
from load_generator.load import Load
from load_generator.messages import rings_of
from load_generator.rota import Rota, Sockets
from load_generator.session import Session
from tests.support.scripted_broker import ScriptedBroker

ROOM = 1_000
MS = 1_000_000


class Lanes(NamedTuple):
    """Makes lanes of one load."""

    broker: ScriptedBroker
    sessions: list[Session]

    def make(
        self,
        *starts_ns: int,
        rate_per_s: float = 0,
        count_max: int = 0,
        body_bytes: int = 12,
    ) -> list[Lane]:
        load = Load(
            publisher_keys=[["q"]],
            properties=wire.properties(),
            body=bytes(body_bytes),
            publishes_per_write=1,
            rate_per_s=rate_per_s,
        )
        lanes: list[Lane] = []
        for start_ns in starts_ns:
            self.broker.log_in()
            self.sessions.append(Session(self.broker.endpoint))
            (ring,) = rings_of(load, [0], wire.FRAME_MAX_BYTES)
            lanes.append(Lane(self.sessions[-1], ring, load, count_max))
            lanes[-1].start(start_ns)
        return lanes


@pytest.fixture
def lanes(broker: ScriptedBroker) -> Iterator[Lanes]:
    made = Lanes(broker, [])
    yield made
    for session in made.sessions:
        session.socket.close()


def fill(lane: Lane, now_ns: int) -> None:
    """Write until nothing more fits into the socket."""
    while not lane.is_full:
        lane.write(now_ns, ROOM)


def turn(rota: Rota, now_ns: int) -> list[Lane]:
    """Let those that are due write, and return them."""
    due = rota.due(now_ns)
    for lane in due:
        while lane.write(now_ns, ROOM):
            pass
    rota.settle(now_ns)
    return due


def test_without_a_rate_all_write_in_every_turn(lanes: Lanes) -> None:
    made = lanes.make(0, 0)
    rota = Rota(made)
    for _ in range(3):
        assert rota.due(0) == made
        rota.settle(0)
    assert rota.wait_s(0, 0.1) == 0.1
    assert rota.has_work


def test_with_a_rate_each_writes_when_it_is_due(lanes: Lanes) -> None:
    first, second = made = lanes.make(0, 4 * MS, rate_per_s=100)
    rota = Rota(made)
    rota.settle(-1)
    assert turn(rota, 0) == [first]
    assert rota.wait_s(1 * MS, 0.1) == pytest.approx(0.003)
    assert not rota.is_pressed
    assert turn(rota, 3 * MS) == []
    assert turn(rota, 4 * MS) == [second]
    assert turn(rota, 30 * MS) == [first, second]
    assert rota.wait_s(30 * MS, 0.1) == pytest.approx(0.004)
    assert rota.wait_s(30 * MS, 0.001) == 0.001


def test_a_lane_that_is_held_up_stays_due(lanes: Lanes) -> None:
    made = lanes.make(0, rate_per_s=1_000, body_bytes=250_000)
    rota = Rota(made)
    (lane,) = rota.due(40 * MS)
    fill(lane, 40 * MS)
    rota.settle(0)
    assert rota.is_pressed
    assert rota.due(0) == made


def test_a_lane_that_is_done_is_left_out(lanes: Lanes) -> None:
    rota = Rota(lanes.make(0, 0, count_max=1))
    assert len(turn(rota, 0)) == 2
    assert not rota.has_work


def test_sockets_are_read_when_there_is_something(lanes: Lanes) -> None:
    made = lanes.make(0, 0)
    sockets = Sockets(made)
    made[1].write(0, 1)
    lanes.broker.tell(wire.ack(1, multiple=False), 1)
    sockets.wait([], 0.04)
    assert [lane.counter.confirmed_count for lane in made] == [0, 1]
    sockets.wait([], 0.0)
    sockets.close()


def test_a_full_lane_is_waited_for_until_there_is_room(lanes: Lanes) -> None:
    made = lanes.make(0, body_bytes=250_000)
    (lane,) = made
    sockets = Sockets(made)
    fill(lane, 0)
    waited = (0.001, 60.0)
    for timeout_s in waited:
        sockets.wait(made, timeout_s)
        assert lane.is_full, "only a write finds out"
        lanes.broker.read()
    lane.write(0, ROOM)
    sockets.wait(made, 0.0)
    sockets.close()
