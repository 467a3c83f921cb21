"""How a round's messages are dealt out, and what lanes make of it."""

import re
from collections.abc import Sequence
from itertools import product

import pytest

from queues.batch import Batch
from tests.support.classic_queue import QueueUnderTest
from tests.support.consumer import FakeConsumer, Prefetch


class LaneConsumer(FakeConsumer):
    """Notes what its lane delivers, in the order in which it does."""

    def __init__(self, tag: str, lane: Prefetch, sent: list[str], *, no_ack: bool = False) -> None:
        super().__init__(tag, lane=lane, no_ack=no_ack)
        self._sent = sent

    def deliver(self, batch: Batch) -> None:
        super().deliver(batch)
        self._sent += [f"{self.consumer_tag}{record.body.decode()}" for record in batch.records]

    def deliver_in_turn(self, handles: Sequence[FakeConsumer], batch: Batch) -> None:
        assert handles[0] is self
        self._sent.append("(")
        super().deliver_in_turn(handles, batch)
        self._sent.append(")")


def dealt(places: str, message_count: int) -> dict[str, str]:
    """Publish to consumers on lanes 1, 2, ...; return what each lane sent, as one text."""
    jobs = QueueUnderTest()
    lanes = {place: Prefetch() for place in places}
    sent: dict[str, list[str]] = {place: [] for place in places}
    for tag, place in zip("abcdefgh", places, strict=False):
        jobs.consume(LaneConsumer(tag, lanes[place], sent[place]))
    jobs.publish(*[b"%d" % number for number in range(1, message_count + 1)])
    jobs.drain()
    jobs.queue.check_invariants()
    assert jobs.queue.counts().unacked_count == message_count
    return {place: "".join(texts) for place, texts in sent.items()}


@pytest.mark.parametrize(
    ("places", "sent"),
    [
        ("12", {"1": "a1a3a5a7", "2": "b2b4b6"}),
        ("11", {"1": "(a1b2a3b4a5b6a7)"}),
        ("1212", {"1": "(a1c3a5c7)", "2": "(b2d4b6)"}),
        ("1122", {"1": "(a1b2)(a5b6)", "2": "(c3d4)c7"}),
        ("112", {"1": "(a1b2)(a4b5)a7", "2": "c3c6"}),
        ("122", {"1": "a1a4a7", "2": "(b2c3)(b5c6)"}),
        ("12223", {"1": "a1a6", "2": "(b2c3d4)b7", "3": "e5"}),
        ("1211", {"1": "a1c3d4a5c7", "2": "b2b6"}),
    ],
)
def test_a_lane_keeps_the_order_whoever_gets_which(places: str, sent: dict[str, str]) -> None:
    assert dealt(places, 7) == sent


def test_fewer_messages_than_consumers_are_dealt_in_one_round() -> None:
    assert dealt("1112", 2) == {"1": "(a1b2)", "2": ""}


def test_what_needs_no_ack_is_settled_and_the_rest_is_not() -> None:
    jobs, lane, sent = QueueUnderTest(), Prefetch(), list[str]()
    jobs.consume(LaneConsumer("a", lane, sent), LaneConsumer("n", lane, sent, no_ack=True))
    jobs.publish(b"1", b"22", b"333", b"4")
    jobs.drain()
    assert (jobs.queue.counts().unacked_count, jobs.queue.counts().unacked_bytes) == (2, 4)
    assert "".join(sent) == "(a1n22a333n4)"


def test_nothing_is_dealt_twice_however_consumers_share_lanes() -> None:
    for count in range(2, 7):
        for places in product("123", repeat=count):
            for message_count in (count - 1, count + 1, 3 * count + 1):
                text = "".join(dealt("".join(places), message_count).values())
                numbers = sorted(map(int, re.findall(r"\d+", text)))
                assert numbers == list(range(1, message_count + 1)), places


@pytest.mark.parametrize(("bodies", "next_of"), [((b"1", b"2"), "b"), ((b"1",), "a")])
def test_one_alone_that_was_refused_goes_behind_who_came_since(
    bodies: Sequence[bytes], next_of: str
) -> None:
    jobs = QueueUnderTest()
    first, second = FakeConsumer("a", prefetch=1), FakeConsumer("b")
    jobs.consume(first)
    jobs.publish(*bodies)
    jobs.drain()
    jobs.get()  # what was left
    jobs.drain()
    jobs.consume(second)
    jobs.settle(first.take_unacked())
    if first.is_blocked:
        jobs.queue.credit_regained(first)
    jobs.publish(b"3")
    jobs.drain()
    jobs.queue.check_invariants()
    assert [consumer.bodies[-1:] for consumer in (first, second)].index([b"3"]) == "ab".index(
        next_of
    )
