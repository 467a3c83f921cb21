"""A lane publishes what is due and allowed, and never waits."""

import time
from collections.abc import Callable, Iterator

import pytest

from load_generator import lane as lane_module
from load_generator import wire
from load_generator.lane import Lane
from load_generator.load import Load
from load_generator.messages import rings_of
from load_generator.session import Session
from load_generator.wire import BrokerRefusalError
from tests.support.scripted_broker import ScriptedBroker

SELECTED = wire.method(1, wire.CONFIRM_SELECT_OK)
ROOM = 1_000
Start = Callable[..., Lane]


@pytest.fixture
def start(broker: ScriptedBroker) -> Iterator[Start]:
    """Start a lane at instant 0 over a connection of its own."""
    sessions: list[Session] = []

    def start_lane(count_max: int = 0, body: bytes = bytes(12), **changes: object) -> Lane:
        broker.log_in(SELECTED if changes.get("confirm_window") else b"")
        sessions.append(Session(broker.endpoint))
        load = Load(publisher_keys=[["q"]], properties=wire.properties(), body=body, **changes)  # type: ignore[arg-type]
        (ring,) = rings_of(load, [0], wire.FRAME_MAX_BYTES)
        lane = Lane(sessions[-1], ring, load, count_max)
        lane.start(0)
        broker.heard()
        return lane

    yield start_lane
    for session in sessions:
        session.close()


def test_what_is_written_arrives_whole(start: Start, broker: ScriptedBroker) -> None:
    lane = start(publishes_per_write=3)
    assert (lane.write(0, ROOM), lane.write(0, 2)) == (3, 2)
    assert lane.published_count == broker.methods_heard().count(wire.BASIC_PUBLISH) == 5


def test_the_time_for_which_it_is_blocked_is_counted(
    start: Start, broker: ScriptedBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    lane, now_ns = start(), 100
    monkeypatch.setattr(time, "monotonic_ns", lambda: now_ns)
    assert lane.blocked_ns() == 0
    for times in range(1, 3):
        broker.tell(wire.method(0, wire.CONNECTION_BLOCKED, wire.shortstr("low on memory")))
        lane.read()
        now_ns += 50
        assert lane.blocked_ns() == 50 * times
        broker.tell(wire.method(0, wire.CONNECTION_UNBLOCKED))
        lane.read()
        now_ns += 1_000
        assert lane.blocked_ns() == 50 * times


def test_no_more_is_published_than_asked_for(start: Start) -> None:
    lane = start(count_max=4, publishes_per_write=3)
    assert [lane.write(0, ROOM) for _ in range(3)] == [3, 1, 0]
    assert lane.is_done


def test_the_confirm_window_is_kept(start: Start, broker: ScriptedBroker) -> None:
    lane = start(confirm_window=60, publishes_per_write=3)
    assert sum(lane.write(0, ROOM) for _ in range(100)) == 60
    assert not lane.is_answered
    broker.tell(wire.ack(59, multiple=True))
    lane.read()
    assert sum(lane.write(0, ROOM) for _ in range(100)) == 59


def test_a_rate_publishes_what_is_due_and_no_more(start: Start) -> None:
    lane = start(rate_per_s=1_000)
    assert lane.write(0, ROOM) == 1
    assert lane.due_ns() == 1_000_000
    assert lane.write(999_999, ROOM) == 0
    assert lane.write(1_000_000, ROOM) == 1
    assert lane.write(9_000_000, ROOM) == 8, "what was held up is made good"


def test_a_message_that_was_held_up_says_when_it_was_due(
    start: Start, broker: ScriptedBroker
) -> None:
    lane = start(rate_per_s=1_000, has_instants=True)
    lane.write(3_500_000, ROOM)
    bodies = [frame.payload for frame in broker.heard() if frame.kind == wire.FRAME_BODY]
    instants = [int.from_bytes(body[:8], "big") for body in bodies]
    assert instants == [0, 1_000_000, 2_000_000, 3_000_000]


def test_without_a_rate_a_message_is_due_when_it_is_written(
    start: Start, broker: ScriptedBroker
) -> None:
    lane = start(has_instants=True, publishes_per_write=1)
    lane.write(70, ROOM)
    *_, body = broker.heard()
    assert int.from_bytes(body.payload[:8], "big") == 70


def test_a_full_socket_holds_nobody_up_and_is_finished_in_order(
    start: Start, broker: ScriptedBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    lane = start(body=bytes(4_000_000), publishes_per_write=1)
    assert lane.write(0, ROOM) == 0
    assert lane.is_full
    assert lane.published_count == 0
    monkeypatch.setattr(lane_module, "GOODBYE_TIMEOUT_S", 0.001)
    lane.finish()
    with pytest.raises(BrokenPipeError):
        lane.socket.send(b"x")


def test_an_unfinished_write_is_finished_when_the_broker_reads(
    start: Start, broker: ScriptedBroker
) -> None:
    lane = start(body=bytes(250_000), publishes_per_write=1)
    while not lane.is_full:
        lane.write(0, ROOM)
    complete_count = lane.published_count
    broker.heard()
    lane.finish()
    assert lane.published_count == complete_count + 1


def test_nothing_to_read_is_no_reason_to_wait(start: Start) -> None:
    lane = start()
    lane.read()
    assert lane.counter.answered_count == 0


def test_a_broker_that_hangs_up_is_told_of(start: Start, broker: ScriptedBroker) -> None:
    lane = start()
    broker.hang_up()
    with pytest.raises(BrokerRefusalError, match="ended the connection"):
        lane.read()
