"""How long a record has been at the leader alone."""

import pytest

from cluster.mirrored.lag import LAG_MAX_MS, Lag


def test_it_is_long_once_a_record_has_waited_for_so_long() -> None:
    lag = Lag()
    assert not lag.look(1_000, 5, 3)
    assert not lag.look(1_000 + LAG_MAX_MS, 9, 4)
    assert lag.look(1_001 + LAG_MAX_MS, 9, 4)
    assert lag.is_long


def test_it_is_short_again_once_a_mirror_has_that_record() -> None:
    lag = Lag()
    lag.look(0, 5, 3)
    assert lag.look(1_000, 9, 4)
    # What came later has its own time.
    assert not lag.look(1_000, 9, 5)
    assert not lag.look(1_000 + LAG_MAX_MS, 9, 8)
    assert lag.look(1_001 + LAG_MAX_MS, 9, 8)


def test_a_queue_without_records_that_wait_has_none_however_long_nobody_looks() -> None:
    lag = Lag()
    assert not lag.look(0, 5, 5)
    assert not lag.look(1_000_000, 5, 5)
    assert not lag.look(1_000_001, 6, 5)


@pytest.mark.parametrize("commit_ms", [1, 10, 40])
def test_a_leader_that_nobody_hears_any_more_stops_within_a_tenth_of_a_second(
    commit_ms: int,
) -> None:
    """docs/clustering.md says so; what consumers ack until then comes again."""
    cut_at_ms = 1_000
    lag = Lag()
    for now_ms in range(2_000):
        answered = min(now_ms, cut_at_ms) - commit_ms
        if lag.look(now_ms, now_ms, answered):
            break
    assert cut_at_ms < now_ms <= cut_at_ms + 100
