"""Consumers keep their order while leaders change."""

from cluster.fronts.consumers_kept import KeptConsumers
from queues.consumer_port import ConsumerHandle
from tests.support.consumer import FakeConsumer


def waiting(kept: KeptConsumers) -> list[str]:
    found: list[ConsumerHandle] = []
    while (handle := kept.next_waiting()) is not None:
        found.append(handle)
    return [handle.consumer_tag for handle in found]


def three() -> tuple[KeptConsumers, list[FakeConsumer]]:
    kept = KeptConsumers()
    consumers = [FakeConsumer(tag) for tag in "abc"]
    for consumer in consumers:
        kept.add(consumer, is_there=False)
    return kept, consumers


def test_they_are_added_in_the_order_in_which_they_came() -> None:
    kept, _ = three()
    assert waiting(kept) == ["a", "b", "c"]
    assert waiting(kept) == []
    assert kept.way_ended() == []
    assert waiting(kept) == ["a", "b", "c"]


def test_who_goes_is_not_added() -> None:
    kept, (first, second, _) = three()
    assert kept.serves(second.lane)
    assert kept.remove(second)
    assert not kept.remove(second)
    assert not kept.serves(second.lane)
    assert waiting(kept) == ["a", "c"]
    assert kept.remove(first)
    assert len(kept) == 1


def test_who_asked_to_hear_of_a_leader_goes_with_it() -> None:
    kept, (first, second, _) = three()
    first.arguments = second.arguments = {"x-cancel-on-ha-failover": True}
    assert kept.next_waiting() is first
    assert kept.way_ended() == [first], "the second has not seen this leader"
    assert waiting(kept) == ["b", "c"]


def test_nobody_piles_up_who_came_and_went() -> None:
    kept = KeptConsumers()
    for _ in range(1_000):
        consumer = FakeConsumer()
        kept.add(consumer, is_there=False)
        kept.remove(consumer)
    assert len(kept._waiting) < 100
    kept.clear()
    assert not kept.has_waiting
