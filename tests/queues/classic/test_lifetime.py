"""When unused queues expire, and auto-delete queues go."""

from queues.classic.lifetime import Lifetime


def test_an_unused_queue_expires_once() -> None:
    timer = Lifetime(500, 1_000)
    assert timer.deadline_ms == 1_500
    assert not timer.fires(1_499)
    assert timer.fires(1_500)
    assert not timer.fires(1_501)
    assert timer.deadline_ms is None


def test_use_starts_the_countdown_again() -> None:
    timer = Lifetime(500, 1_000)
    timer.renew(1_400)
    assert timer.deadline_ms == 1_900


def test_a_queue_without_x_expires_never_does() -> None:
    timer = Lifetime(None, 1_000)
    assert timer.deadline_ms is None
    assert not timer.fires(1 << 50)


def test_another_span_counts_from_the_change() -> None:
    timer = Lifetime(500, 1_000)
    timer.change(2_000, 1_300)
    assert timer.deadline_ms == 3_300
    timer.change(None, 1_400)
    assert timer.deadline_ms is None


def test_a_queue_that_its_last_consumer_leaves_goes_only_if_it_is_auto_delete() -> None:
    for auto_delete in (True, False):
        lifetime = Lifetime(500, 1_000, auto_delete=auto_delete)
        assert not lifetime.is_over
        assert lifetime.last_consumer_left(1_200) is auto_delete
        assert lifetime.is_over is auto_delete
        assert lifetime.deadline_ms == 1_700
