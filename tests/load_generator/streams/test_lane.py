"""A lane keeps to its window, its count and its rate, and counts answers over any cuts."""

import socket
from collections.abc import Iterator
from dataclasses import replace

import pytest

from load_generator.load import Load, Streaming
from load_generator.streams import commands
from load_generator.streams.frames import FrameRing
from load_generator.streams.lane import StreamLane
from load_generator.streams.session import StreamSession
from load_generator.wire import BrokerRefusalError
from tests.support.scripted_broker import ScriptedBroker
from tests.support.scripted_stream_broker import answer, confirm, log_in

LOAD = Load(body=b"x", confirm_window=20, streaming=Streaming(batch_count=10))
MANY = 1 << 30
SECOND_NS = 1_000_000_000


@pytest.fixture
def session(broker: ScriptedBroker) -> Iterator[StreamSession]:
    broker.say(log_in(), answer(commands.DECLARE_PUBLISHER))
    with StreamSession(broker.endpoint) as opened:
        yield opened


def lane_of(session: StreamSession, load: Load = LOAD, count_max: int = 0) -> StreamLane:
    lane = StreamLane(session, FrameRing(load, ["s"]), load, count_max)
    lane.start(0)
    return lane


def test_a_full_window_waits_for_confirms(session: StreamSession, broker: ScriptedBroker) -> None:
    lane = lane_of(session)
    assert [lane.write(0, MANY) for _ in range(3)] == [10, 10, 0]
    octets = confirm(7) + confirm(3)
    for at in range(0, len(octets), 9):
        broker.tell(octets[at : at + 9])
        lane.read()
    assert lane.confirmed_count == 10
    assert [lane.write(0, MANY) for _ in range(2)] == [10, 0]
    assert not lane.is_answered


def test_the_last_frame_is_as_long_as_what_is_left(session: StreamSession) -> None:
    lane = lane_of(session, count_max=13)
    assert [lane.write(0, MANY) for _ in range(3)] == [10, 3, 0]
    assert lane.is_done


def test_a_rate_makes_frames_due(session: StreamSession) -> None:
    lane = lane_of(session, replace(LOAD, rate_per_s=10))
    assert lane.write(SECOND_NS - 1, MANY) == 0
    assert lane.due_ns() == SECOND_NS
    assert lane.write(SECOND_NS, MANY) == 10


def test_errors_are_counted_and_a_close_ends(
    session: StreamSession, broker: ScriptedBroker
) -> None:
    lane = lane_of(session)
    lane.write(0, MANY)
    broker.tell(commands.frame(commands.PUBLISH_ERROR, b"\x00\x00\x00\x00\x02" + bytes(20)))
    lane.read()
    assert lane.nacked_count == 2
    broker.tell(commands.frame(commands.PUBLISH_CONFIRM, b"\x00\x00\x00\x00\x02" + bytes(8)))
    with pytest.raises(BrokerRefusalError, match="2 answers in 13 octets"):
        lane.read()
    broker.hang_up()


def test_a_socket_without_room_keeps_the_rest(session: StreamSession) -> None:
    session.socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4_096)
    lane = lane_of(session, replace(LOAD, body=bytes(1 << 16), confirm_window=0))
    while not lane.is_full:
        lane.write(0, MANY)
    published_count = lane.published_count
    assert lane.write(0, MANY) == 0
    assert lane.published_count == published_count


def instants_sent(broker: ScriptedBroker, count: int, body_bytes: int) -> list[int]:
    """Return the instants of the last messages that the broker heard."""
    item_bytes = 8 + 4 + 5 + body_bytes
    heard = broker.read()
    found: list[int] = []
    while len(found) < count:
        at = len(heard) - body_bytes
        found.append(int.from_bytes(heard[at : at + 8], "big"))
        heard = heard[: len(heard) - item_bytes]
        if not (len(found) % BATCH):
            heard = heard[: len(heard) - commands.HEAD.size - 5]
    return found[::-1]


BATCH = 10
TIMED = replace(LOAD, body=bytes(12), has_instants=True, confirm_window=0)


def test_a_batch_is_due_by_the_rate_however_late_it_is_sent(
    session: StreamSession, broker: ScriptedBroker
) -> None:
    """A publisher that was held up counts the time for which its messages had to wait."""
    lane = lane_of(session, replace(TIMED, rate_per_s=10), count_max=25)
    assert lane.write(9 * SECOND_NS, MANY) == 20
    assert lane.write(9 * SECOND_NS, MANY) == 5
    found = instants_sent(broker, 5, 12)
    assert found == [round(2.5 * SECOND_NS)] * 5


def test_without_a_rate_a_batch_is_due_when_it_is_sent(
    session: StreamSession, broker: ScriptedBroker
) -> None:
    lane = lane_of(session, TIMED, count_max=10)
    lane.write(77, MANY)
    assert instants_sent(broker, 10, 12) == [77] * 10
