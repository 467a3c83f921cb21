"""Numbers with their details."""

from management.bodies.stats import with_details
from management.lists.ranges import Range
from management.samples.details import Looks
from management.samples.history import History

SHOWN = {"messages": (0, 1), "messages_ready": (0,)}


def test_numbers_are_those_of_now_or_of_the_last_look() -> None:
    history = History(2)
    history.note(10_000, (3, 1))
    looks = Looks(10_000, 5_000)
    body = with_details(history, SHOWN, looks)
    assert body == {
        "messages": 4,
        "messages_details": {"rate": 0.8},
        "messages_ready": 3,
        "messages_ready_details": {"rate": 0.6},
    }
    assert with_details(history, SHOWN, looks, now=(5, 5))["messages"] == 10
    assert len(with_details(None, SHOWN, looks, Range(10, 5))["messages_details"]["samples"]) == 3
    assert with_details(None, SHOWN, looks)["messages"] == 0
