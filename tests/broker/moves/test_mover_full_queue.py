"""Dead letters for a queue without room: the client whose event moves them does not wait for it."""

from collections.abc import Callable

import pytest

from tests.support.full_queue import FullQueue
from tests.support.vhosts import VhostUnderTest


def test_a_queue_that_dead_letters_fill_lets_no_client_wait(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    place = VhostUnderTest()
    place.queue("dead")
    place.queue(dead_letter_exchange="", dead_letter_routing_key="dead", max_length=1)
    full = FullQueue(place.congestion, "dead", monkeypatch)
    place.publish(b"one", b"two")
    place.end()
    assert (full.count, place.congestion.is_on) == (1, False)
    of_event: list[Callable[[], None]] = []
    place.congestion.fill(of_event.append)
    place.publish(b"three")
    place.end()
    place.congestion.wait(lambda: None)
    assert len(of_event) == 1, "it still waits for what its own event filled"
