"""Consumers that wait together."""

from queues.classic.blocked import Cohort
from queues.consumer_port import ConsumerHandle
from tests.support.consumer import FakeConsumer, Prefetch


def tags(cohort: Cohort) -> str:
    return "".join(handle.consumer_tag for _, handle in cohort.members)


def cohort(**numbers: int) -> tuple[Cohort, dict[str, tuple[int, ConsumerHandle]]]:
    """Return a cohort of consumers that began to wait under these numbers, and their places."""
    found = Cohort(Prefetch())
    handles = {tag: FakeConsumer(tag) for tag in numbers}
    return found, {
        tag: (found.put(number, handles[tag]), handles[tag]) for tag, number in numbers.items()
    }


def test_they_stand_in_the_order_of_their_numbers() -> None:
    found, _ = cohort(a=3, b=7, c=5, d=1)
    assert tags(found) == "dacb"


def test_one_is_dropped_by_its_place() -> None:
    found, places = cohort(a=3, b=7, c=5)
    found.drop(places["a"][0])
    assert tags(found) == "cb"


def test_new_numbers_keep_the_order_and_the_places() -> None:
    found, places = cohort(a=3, b=7)
    assert found.renumber(100) == 105
    found.put(99, FakeConsumer("early"))
    found.put(102, FakeConsumer("between"))
    assert tags(found) == "earlyabetweenb"
    for place, _ in places.values():
        found.drop(place)
    assert tags(found) == "earlybetween"
