"""Input in slices: order, who else has a turn, and what a connection waits for."""

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import pytest
from pamqp import commands

from amqp_server.broker.turn import Turn
from amqp_server.connections.intake import EVENTS_MAX, Intake
from amqp_server.connections.outbox import Outbox
from amqp_server.wire.errors import WireError
from amqp_server.wire.events import Event, FrameEvent
from amqp_server.wire.framing import scan
from tests.support.counted_clock import budget_of
from tests.support.frames import METHOD, content_frames, frame, method_frame, publish_payload
from tests.support.peer import Client, Node

EVENTS_PER_SLICE = 4
MARK_BYTES = 100


class FakeLife:
    """Lasts until a test says otherwise."""

    is_over = False


class FakeClient:
    """Notes what is carried out; ``on_event`` may do something more."""

    payload_max_bytes = 131_072

    def __init__(self, turn: Turn, journal: list[tuple[str, int]], name: str = "a") -> None:
        self.life = FakeLife()
        self.outbox = Outbox(MARK_BYTES, lambda: None)
        self.intake = Intake(self, self.life, turn, self.outbox, scan)
        self.errors: list[WireError] = []
        self.slices_count = self.wakes_count = 0
        self.hold_at = self.answer_at = self.end_at = -1
        self._journal = journal
        self._name = name

    def handle(self, event: Event, now_ms: int) -> None:
        assert isinstance(event, FrameEvent)
        number = event.channel
        self._journal.append((self._name, number))
        if number == self.hold_at:
            self.intake.hold()
        if number == self.answer_at:
            self.outbox.write(bytes(2 * MARK_BYTES))
        if number == self.end_at:
            self.life.is_over = True
            self.intake.drop()

    def fail(self, error: WireError, now_ms: int) -> None:
        self.errors.append(error)

    def slice_ended(self, now_ms: int) -> None:
        self.slices_count += 1

    def wake(self) -> None:
        self.wakes_count += 1


@pytest.fixture
def turn() -> Turn:
    # The budget is asked once by each end of a turn as well.
    return Turn(10, budget_of(EVENTS_PER_SLICE))


@pytest.fixture
def journal() -> list[tuple[str, int]]:
    return []


@pytest.fixture
def client(turn: Turn, journal: list[tuple[str, int]]) -> FakeClient:
    return FakeClient(turn, journal)


def numbered(numbers: range) -> bytes:
    """Return frames told apart by their channel; a method that no scanner joins with others."""
    return b"".join(method_frame(number, commands.Channel.Open) for number in numbers)


def turns(turn: Turn) -> Iterator[None]:
    """Run turns until nothing is left to do, stopping after each."""
    is_more = True
    while is_more:
        turn.budget.begin()
        is_more = turn.end(1)
        yield


def numbers_of(journal: list[tuple[str, int]]) -> list[int]:
    return [number for _, number in journal]


def test_a_flood_is_carried_out_in_order_in_slices(
    turn: Turn, client: FakeClient, journal: list[tuple[str, int]]
) -> None:
    turn.budget.begin()
    client.intake.receive(numbered(range(1, 101)), 1)
    sizes = [0, len(journal), *(len(journal) for _ in turns(turn))]
    assert numbers_of(journal) == list(range(1, 101))
    slices = [after - before for before, after in pairwise(sizes)]
    assert max(slices) <= EVENTS_PER_SLICE
    assert len(slices) >= 100 // EVENTS_PER_SLICE
    assert not client.intake.is_stalled


@pytest.mark.parametrize("events_per_slice", [4, 100, EVENTS_MAX, 2 * EVENTS_MAX, 10**6])
def test_no_more_is_scanned_than_is_carried_out_next(
    journal: list[tuple[str, int]], events_per_slice: int
) -> None:
    turn = Turn(10, budget_of(events_per_slice))
    client = FakeClient(turn, journal)
    frame_bytes, count = len(numbered(range(1, 2))), 5 * EVENTS_MAX + 7
    most_ahead = 0

    def scan_some(octets: bytes | memoryview, max_bytes: int) -> Any:  # noqa: ANN401 -- a Scan
        nonlocal most_ahead
        events, consumed_bytes, error = scan(octets[: EVENTS_MAX * frame_bytes], max_bytes)
        scanned_count = count - (len(octets) - consumed_bytes) // frame_bytes
        most_ahead = max(most_ahead, scanned_count - len(journal))
        return events, consumed_bytes, error

    client.intake = Intake(client, client.life, turn, client.outbox, scan_some)
    turn.budget.begin()
    client.intake.receive(numbered(range(1, count + 1)) + b"\1", 1)
    for _ in turns(turn):
        pass
    assert numbers_of(journal) == list(range(1, count + 1))
    assert most_ahead <= EVENTS_MAX
    assert (client.intake.rest, client.intake.is_stalled, client.errors) == (b"\1", False, [])


def test_two_floods_take_turns(turn: Turn, journal: list[tuple[str, int]]) -> None:
    clients = [FakeClient(turn, journal, name) for name in "ab"]
    for flooding in clients:
        turn.budget.begin()
        flooding.intake.receive(numbered(range(1, 41)), 1)
    for _ in turns(turn):
        pass
    for name in "ab":
        assert [number for whose, number in journal if whose == name] == list(range(1, 41))
    longest = max(len(run) for run in "".join(name for name, _ in journal).split("a"))
    assert longest <= 2 * EVENTS_PER_SLICE


def test_what_comes_while_a_slice_waits_stays_behind_it(
    turn: Turn, client: FakeClient, journal: list[tuple[str, int]]
) -> None:
    octets = numbered(range(1, 31))
    turn.budget.begin()
    client.intake.receive(octets[:200], 1)
    assert client.intake.is_stalled
    for start in range(200, len(octets), 7):
        client.intake.receive(octets[start : start + 7], 1)
    for _ in turns(turn):
        pass
    assert numbers_of(journal) == list(range(1, 31))


def test_one_event_alone_is_never_put_off(
    turn: Turn, client: FakeClient, journal: list[tuple[str, int]]
) -> None:
    for number in range(1, 20):  # the time is long spent
        client.intake.receive(numbered(range(number, number + 1)), 1)
    assert (len(journal), client.intake.is_stalled) == (19, False)


def test_a_hold_lets_nothing_through_until_its_release(
    turn: Turn, client: FakeClient, journal: list[tuple[str, int]]
) -> None:
    client.hold_at = 2
    turn.budget.begin()
    client.intake.receive(numbered(range(1, 5)), 1)
    for _ in turns(turn):
        pass
    assert (numbers_of(journal), client.intake.is_stalled) == ([1, 2], True)
    client.hold_at = -1
    client.intake.release()
    assert client.wakes_count == 1, "nothing else might ask for a turn"
    assert numbers_of(journal) == [1, 2], "not within what released it"
    for _ in turns(turn):
        pass
    assert (numbers_of(journal), client.intake.is_stalled) == ([1, 2, 3, 4], False)


def test_holds_add_up(turn: Turn, client: FakeClient, journal: list[tuple[str, int]]) -> None:
    client.intake.hold()
    client.intake.hold()
    client.intake.receive(numbered(range(1, 3)), 1)
    client.intake.release()
    for _ in turns(turn):
        pass
    assert journal == []
    client.intake.release()
    for _ in turns(turn):
        pass
    assert numbers_of(journal) == [1, 2]


def test_a_hold_that_ends_while_answers_wait_waits_for_them(
    turn: Turn, client: FakeClient, journal: list[tuple[str, int]]
) -> None:
    client.hold_at = client.answer_at = 1
    client.intake.receive(numbered(range(1, 3)), 1)
    client.intake.release()
    for _ in turns(turn):
        pass
    assert numbers_of(journal) == [1]
    client.outbox.take()
    client.intake.room_came(1)
    assert numbers_of(journal) == [1, 2]


def test_room_that_comes_during_a_hold_is_not_forgotten(
    turn: Turn, client: FakeClient, journal: list[tuple[str, int]]
) -> None:
    client.hold_at = client.answer_at = 1
    client.intake.receive(numbered(range(1, 3)), 1)
    client.outbox.take()
    client.intake.room_came(1)
    assert numbers_of(journal) == [1]
    client.intake.release()
    for _ in turns(turn):
        pass
    assert (numbers_of(journal), client.intake.is_stalled) == ([1, 2], False)


def test_broken_bytes_are_told_after_what_came_before_them(
    turn: Turn, client: FakeClient, journal: list[tuple[str, int]]
) -> None:
    turn.budget.begin()
    client.intake.receive(numbered(range(1, 21)) + frame(9, 0, b""), 1)
    assert client.errors == []
    for _ in turns(turn):
        pass
    assert (len(journal), len(client.errors)) == (20, 1)


def test_a_client_that_ends_in_a_slice_leaves_no_more_to_do(
    turn: Turn, client: FakeClient, journal: list[tuple[str, int]]
) -> None:
    client.end_at = 7
    turn.budget.begin()
    client.intake.receive(numbered(range(1, 21)), 1)
    for _ in turns(turn):
        pass
    assert numbers_of(journal) == list(range(1, 8))
    assert client.intake.rest == b""


# ── with a broker ──


@pytest.fixture
def sliced_node() -> Node:
    """Return a node whose turns end after a few questions."""
    node = Node()
    node.broker.turn.budget = budget_of(EVENTS_PER_SLICE)
    return node


def test_another_client_is_answered_in_the_middle_of_a_flood(sliced_node: Node) -> None:
    flood, other = sliced_node.open(), sliced_node.open()
    declares = [
        method_frame(1, commands.Queue.Declare, queue=f"q{number}") for number in range(2_000)
    ]
    broker = sliced_node.broker
    broker.turn.budget.begin()
    flood.connection.receive_data(b"".join(declares), sliced_node.now_ms)
    broker.end_turn(sliced_node.now_ms)
    assert not flood.is_read(), "what it sent already comes first"
    before = broker.count_queues()
    broker.turn.budget.begin()
    other.connection.receive_data(
        method_frame(1, commands.Queue.Declare, queue="mine"), sliced_node.now_ms
    )
    broker.end_turn(sliced_node.now_ms)
    assert broker.count_queues() - before <= EVENTS_PER_SLICE + 1
    assert b"mine" in b"".join(other.connection.data_to_send())
    turns_count = 0
    is_more = True
    while is_more:
        broker.turn.budget.begin()
        is_more = broker.end_turn(sliced_node.now_ms)
        turns_count += 1
        flood.connection.data_to_send()
    assert broker.count_queues() == 2_001
    assert turns_count > 2_000 // (EVENTS_PER_SLICE + 1)
    assert flood.is_read()


def test_answers_of_a_sliced_read_come_in_order(sliced_node: Node) -> None:
    peer = sliced_node.open()
    script = b""
    for number in range(200):
        script += method_frame(1, commands.Queue.Declare, queue=f"q{number}")
        script += frame(METHOD, 1, publish_payload("", f"q{number}")) + content_frames(1, b"m")
        script += method_frame(1, commands.Basic.Get, queue=f"q{number}", no_ack=True)
    sliced_node.broker.turn.budget.begin()
    peer.send_bytes(script)
    names = [method.name for method in peer.methods()]
    assert names == ["Queue.DeclareOk", "Basic.GetOk"] * 200


def test_publishers_wait_while_the_broker_is_congested_and_others_do_not() -> None:
    node = Node()
    publisher, consumer = node.open(), node.open()
    publisher.declare()
    node.broker.congestion.set(is_on=True)
    publisher.publish(b"one")
    assert not publisher.is_read()
    publisher.publish(b"two")
    assert consumer.get() == b"one", "what was read with it is taken"
    assert consumer.get() is None
    assert consumer.is_read()
    node.broker.congestion.set(is_on=False)
    node.end_turns()
    assert publisher.is_read()
    assert publisher.receive() == [], "it is no alarm, nobody is told"
    assert consumer.get() == b"two"


def _silence(client: Client, span_ms: int) -> bool:
    """Let time pass; return whether the client was given up for it."""
    client.node.advance(span_ms)
    return client.is_closed()


def test_silence_is_not_counted_while_nobody_listens() -> None:
    node = Node()
    peer = node.connect()
    peer.shake_hands(heartbeat=2)
    peer.open_channel(1)
    peer.declare()
    node.broker.congestion.set(is_on=True)
    peer.publish(b"one")
    assert not _silence(peer, 60_000)
    node.broker.congestion.set(is_on=False)
    node.end_turns()
    assert not _silence(peer, 3_900)
    assert _silence(peer, 200), "from then on it counts again"
