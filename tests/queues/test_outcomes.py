"""What becomes of a publish."""

from queues.outcomes import PublishOutcome, all_taken


def test_a_run_that_was_taken_is_safe_with_its_lsn() -> None:
    assert all_taken(0) == PublishOutcome((), 0)
    assert all_taken(7) == PublishOutcome((), 7)
