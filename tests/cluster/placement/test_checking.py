"""What would happen to the queues without a node."""

from hypothesis import given
from hypothesis import strategies as st

from cluster.placement.checking import Harm, HarmedQueue, harmed_without
from cluster.placement.moving import PlacedQueue
from tests.support.placements import node, stored

THREE = [node("a"), node("b"), node("c")]


def queue(key: str, replicas: str, in_sync: str, min_isr: int = 1) -> PlacedQueue:
    return PlacedQueue(key, stored(replicas, in_sync, min_isr=min_isr))


def test_a_queue_with_members_to_spare_is_not_harmed() -> None:
    assert harmed_without("a", [queue("q", "abc", "abc", 2)], THREE) == []


def test_a_queue_at_its_least_is_held() -> None:
    assert harmed_without("a", [queue("q", "abc", "ab", 2)], THREE) == [
        HarmedQueue("q", Harm.HELD, 1, 2)
    ]


def test_a_queue_whose_only_member_it_is_goes_offline() -> None:
    assert harmed_without("a", [queue("q", "a", "a")], THREE) == [
        HarmedQueue("q", Harm.OFFLINE, 0, 1)
    ]


def test_members_that_are_away_or_on_another_disk_do_not_count() -> None:
    nodes = [node("a"), node("b", incarnation=0), node("c", disk="new")]
    assert harmed_without("a", [queue("q", "abc", "abc", 2)], nodes) == [
        HarmedQueue("q", Harm.OFFLINE, 0, 2)
    ]


def test_a_queue_that_is_not_there_is_not_harmed() -> None:
    assert harmed_without("c", [queue("q", "abc", "ab", 2), queue("r", "b", "b")], THREE) == []


@given(st.sets(st.sampled_from("abc"), min_size=1), st.integers(1, 3))
def test_what_is_not_named_goes_on(in_sync: set[str], min_isr: int) -> None:
    one = queue("q", "abc", "".join(in_sync), min_isr)
    harmed = harmed_without("a", [one], THREE)
    left = len(in_sync - {"a"})
    assert bool(harmed) == ("a" in in_sync and left < min_isr)
