"""What waits on a front link leaves in the order of its queue, and in turn with others."""

import random

import pytest

from cluster.fronts.frames import Close, Publish
from cluster.fronts.links.encoding import encode
from cluster.fronts.links.large import LARGE_MAX
from cluster.fronts.links.lines import Lines, Waiting
from cluster.links.errors import LinkError
from cluster.links.settings import KIB, Windows
from cluster.links.windows import OutgoingWindow
from persistence.record import memory_bytes
from tests.support.front_pair import deliver
from tests.support.records import run_of

LIMITS = Windows(0, 32 * KIB, 8 * KIB)
WHOLE = 2 * KIB


class Leaving:
    def __init__(self, waiting_max: int = 10_000) -> None:
        self.lines = Lines(waiting_max, WHOLE)
        self.window = OutgoingWindow(LIMITS)
        self.numbers: dict[Waiting, int] = {}
        self.put_count: dict[str, int] = {}

    def put(self, queue: str, size: int | None = None) -> None:
        frame = Close(queue) if size is None else Publish(queue, 1, 0, 0, run_of(bytes(size)))
        waiting = Waiting(queue, 1, encode(frame, 1))
        self.put_count[queue] = self.numbers[waiting] = self.put_count.get(queue, 0) + 1
        self.lines.put(waiting)

    def out(self) -> tuple[str, int, int] | None:
        """Let the next octets leave: queue, number in it, octets."""
        found = self.lines.next(self.window)
        if found is None:
            return None
        waiting, octets = found
        assert len(waiting.take(octets)) == octets or not octets
        waiting.begun = True
        if octets:
            self.window.sent(waiting.queue, octets)
        self.lines.left(waiting, octets)
        return waiting.queue, self.numbers[waiting], octets

    def all_out(self) -> list[tuple[str, int, int]]:
        return list(iter(self.out, None))

    def credit(self, queue: str, octets: int) -> None:
        self.window.credit(queue, octets)
        self.lines.credit(queue)


def test_frames_leave_in_their_order() -> None:
    leaving = Leaving()
    for queue in "abacab":
        leaving.put(queue)
    assert [each[0] for each in leaving.all_out()] == list("abacab")
    assert len(leaving.lines) == 0


def test_a_queue_whose_window_is_full_waits_for_credit_and_no_other_waits() -> None:
    leaving = Leaving()
    for _ in range(8):
        leaving.put("a", 1_500)
    leaving.put("a")
    leaving.put("b", 10)
    found = leaving.all_out()
    assert found[-1][0] == "b"
    assert leaving.lines.is_held("a")
    assert leaving.out() is None
    size = memory_bytes(run_of(bytes(1_500)))
    leaving.credit("a", found[0][2])
    assert leaving.out() == ("a", 6, size)
    assert leaving.out() is None
    leaving.credit("a", 3 * size)
    assert [each[1] for each in leaving.all_out()] == [7, 8, 9]
    assert not leaving.lines.is_held("a")
    assert leaving.lines.waiting_bytes == 0


def test_few_large_messages_are_begun_at_a_time() -> None:
    leaving = Leaving()
    for queue in "abcd":
        leaving.put(queue, 7 * KIB)
    begun: set[str] = set()
    open_now: dict[str, int] = {}
    for queue, _, octets in leaving.all_out():
        begun.add(queue)
        open_now[queue] = open_now.get(queue, 0) + octets
        if open_now[queue] > 7 * KIB:
            del open_now[queue]
        assert len(open_now) <= LARGE_MAX
    assert begun == set("abcd")
    assert len(leaving.lines) == 0


def test_a_large_message_and_a_flood_of_small_ones_leave_in_turn() -> None:
    leaving = Leaving()
    leaving.put("large", 6 * KIB)
    for _ in range(60):
        leaving.put("small", 20)
    for number in range(90):
        leaving.put(f"other {number}", 300)
    found = [each[0] for each in leaving.all_out()]
    places = [place for place, queue in enumerate(found) if queue == "large"]
    assert 0 < places[0] < 140
    assert places[-1] - places[0] > 3


def test_more_frames_than_allowed_are_refused() -> None:
    leaving = Leaving(2)
    leaving.put("a")
    leaving.put("b")
    with pytest.raises(LinkError):
        leaving.put("c")


@pytest.mark.parametrize("seed", range(30))
def test_windows_hold_queues_keep_their_order_and_all_leaves(seed: int) -> None:
    dice = random.Random(seed)
    leaving = Leaving()
    on_way: dict[str, list[int]] = {}
    last: dict[str, int] = {}
    queues = [f"q{number}" for number in range(dice.choice((2, 7, 40)))]
    count = 400
    while count or len(leaving.lines) or any(on_way.values()):
        if count and dice.random() < 0.5:
            count -= 1
            leaving.put(dice.choice(queues), dice.choice((None, 5, 900, 1_900, 20_000)))
        found = leaving.out() if dice.random() < 0.7 else None
        if found is not None:
            queue, number, octets = found
            assert number in {last.get(queue, 0), last.get(queue, 0) + 1}
            last[queue] = number
            if octets:
                on_way.setdefault(queue, []).append(octets)
            assert sum(on_way.get(queue, [])) <= LIMITS.stream_bytes
            assert sum(map(sum, on_way.values())) <= LIMITS.catch_up_bytes
        waiting = [queue for queue in on_way if on_way[queue]]
        if waiting and dice.random() < 0.5:
            queue = dice.choice(waiting)
            leaving.credit(queue, on_way[queue].pop(0))
    assert last == leaving.put_count
    assert leaving.lines.waiting_bytes == 0
    assert not any(leaving.lines.bytes_of(queue) for queue in queues)


def test_a_batch_that_joins_thousands_costs_what_one_costs_that_joins_few() -> None:
    waiting = Waiting("q", 1, encode(deliver("q", 1), 1))
    runs = waiting._runs
    for number in range(2, 4_001):
        assert waiting.join(encode(deliver("q", number), 1), 256 * KIB)
    assert waiting._runs is runs, "those before it are not copied"
    assert len(waiting.take(waiting.size)) == waiting.size
