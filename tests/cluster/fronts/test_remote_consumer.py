"""What waits for a lane stays in order, and goes back with its consumer."""

from cluster.fronts.remote_consumer import Held, HeldLane, RemoteConsumer
from queues.batch import Batch
from tests.support.consumer import FakeConsumer, Prefetch
from tests.support.records import run_of


def batch(first: int, count: int) -> Batch:
    return Batch(range(first, first + count), run_of(*[b"m"] * count))


def lane_of(count: int) -> tuple[HeldLane, list[RemoteConsumer]]:
    port = Prefetch()
    lane = HeldLane(port, 1)
    return lane, [
        RemoteConsumer(number, FakeConsumer(lane=port), lane) for number in range(1, count + 1)
    ]


def held(lane: HeldLane) -> list[tuple[int, int]]:
    """First number and count of all that waits, which is taken."""
    found = []
    while (head := lane.head()) is not None:
        taken = lane.take(head, 100)
        found.append((taken.positions.start, len(taken)))
    return found


def test_it_is_taken_from_the_head_in_parts() -> None:
    lane, (one,) = lane_of(1)
    lane.put(Held((one,), batch(1, 5)))
    head = lane.head()
    assert head is not None
    assert lane.take(head, 2).positions == range(1, 3)
    assert (one.held_count, lane.held_count) == (3, 3)
    assert held(lane) == [(3, 3)]
    assert (one.held_count, lane.held_count, len(one.held)) == (0, 0, 0)


def test_what_is_for_several_is_counted_for_each_and_may_be_split() -> None:
    lane, (one, two) = lane_of(2)
    dealt = Held((one, two), batch(1, 3))
    lane.put(dealt)
    assert (one.held_count, two.held_count) == (2, 1)
    lane.line.popleft()
    lane.line.extend(lane.split(dealt))
    assert (one.held_count, two.held_count) == (2, 1)
    assert held(lane) == [(1, 1), (2, 1), (3, 1)]


def test_a_consumer_that_goes_takes_its_own() -> None:
    lane, (one, two) = lane_of(2)
    lane.put(Held((one,), batch(1, 2)))
    lane.put(Held((one, two), batch(3, 2)))
    lane.put(Held((two,), batch(5, 1)))
    assert lane.take_of(one) == [range(1, 3), range(3, 4)]
    assert (one.held_count, lane.held_count) == (0, 2)
    assert held(lane) == [(4, 1), (5, 1)]


def test_places_of_those_who_went_do_not_pile_up() -> None:
    lane, (stuck,) = lane_of(1)
    lane.put(Held((stuck,), batch(1, 1)))
    for _ in range(1_000):
        one = RemoteConsumer(9, FakeConsumer(), lane)
        lane.put(Held((one,), batch(2, 1)))
        lane.take_of(one)
    assert len(lane.line) < 10


def test_room_of_a_shared_prefetch_is_what_is_not_on_its_way() -> None:
    lane = HeldLane(Prefetch(5), 1)
    lane.on_way_count, lane.held_count = 2, 1
    assert lane.shared_room == 2
