"""Counters of a queue: what is unacked is what left less what was settled; deaths by reason."""

import pytest

from queues.counters import DeathCounts, QueueCounters, QueueCounts
from queues.effects import DeathReason


def test_unacked_is_what_was_taken_and_not_settled() -> None:
    counters = QueueCounters()
    counters.taken_count, counters.taken_bytes = 5, 50
    counters.settled_count, counters.settled_bytes = 2, 30
    assert (counters.unacked_count, counters.unacked_bytes) == (3, 20)


@pytest.mark.parametrize("reason", DeathReason)
def test_deaths_are_counted_by_their_reason(reason: DeathReason) -> None:
    counters = QueueCounters()
    assert (counters.dead_lettered, counters.dropped) == (DeathCounts(), DeathCounts())
    counters.note_dead_letters(reason, 2)
    counters.note_dead_letters(reason, 3, at_least_once=True)
    counters.note_dropped(reason, 7)
    assert counters.dead_lettered == DeathCounts(**{reason.value: 5})
    assert counters.dead_lettered_safely == DeathCounts(**{reason.value: 3})
    assert counters.dropped == DeathCounts(**{reason.value: 7})


def test_numbers_of_queues_are_summed_and_their_counters_stay() -> None:
    queues = QueueCounts(ready_count=1, consumer_count=1, acked=2, dropped=DeathCounts(expired=1))
    more = queues.plus(queues)
    assert (more.acked, more.dropped.expired, more.minus(queues)) == (4, 2, queues)
    assert queues.at_the_end() == QueueCounts(acked=2, dropped=DeathCounts(expired=1))
