"""The disk alarm: sooner looked at when there is less, tripped by a refused write, no flutter."""

import errno
import logging

import pytest

from amqp_server.net.disk_monitor import (
    CLEAR_ABOVE_RATIO,
    FILL_RATE_BYTES_PER_MS,
    INTERVAL_LOW_MS,
    INTERVAL_MAX_MS,
    INTERVAL_MIN_MS,
    DiskMonitor,
)

LIMIT_BYTES = 50_000_000
PLENTY_BYTES = 1 << 40
START_MS = 50_000


class Watched:
    """A monitor, what it is given to measure, and what it told."""

    def __init__(self, limit_bytes: int = LIMIT_BYTES) -> None:
        self.told: list[tuple[bool, int]] = []
        self.free_bytes: int | None = PLENTY_BYTES
        self.monitor = DiskMonitor(
            limit_bytes,
            lambda is_low, now_ms: self.told.append((is_low, now_ms)),
            START_MS,
            self.read,
        )

    def read(self) -> int:
        if self.free_bytes is None:
            raise OSError(errno.EIO, "rotten")
        return self.free_bytes

    def measure(self, free_bytes: int | None) -> bool:
        self.free_bytes = free_bytes
        self.monitor.on_deadline(START_MS)
        return self.told[-1][0]

    def interval_ms(self, free_bytes: int | None) -> int:
        self.measure(free_bytes)
        deadline_ms = self.monitor.next_deadline_ms()
        assert deadline_ms is not None
        return deadline_ms - START_MS


@pytest.fixture
def watched() -> Watched:
    return Watched()


# ── when ──


def test_it_measures_at_once(watched: Watched) -> None:
    assert watched.monitor.next_deadline_ms() == START_MS
    watched.monitor.on_deadline(START_MS)
    assert watched.told == [(False, START_MS)]


def test_what_was_measured_last_can_be_asked(watched: Watched) -> None:
    assert watched.monitor.free_bytes is None
    watched.measure(77)
    watched.measure(None)
    assert watched.monitor.free_bytes == 77


def test_with_plenty_of_room_it_measures_every_ten_seconds(watched: Watched) -> None:
    assert watched.interval_ms(PLENTY_BYTES) == INTERVAL_MAX_MS == 10_000


def test_near_the_limit_it_measures_before_the_disk_could_be_full(watched: Watched) -> None:
    margin_bytes = 2_000 * FILL_RATE_BYTES_PER_MS
    assert watched.interval_ms(LIMIT_BYTES + margin_bytes) == 2_000
    assert watched.interval_ms(LIMIT_BYTES + 1) == INTERVAL_MIN_MS == 100


def test_while_the_alarm_is_on_it_measures_every_second(watched: Watched) -> None:
    assert watched.interval_ms(0) == INTERVAL_LOW_MS == 1_000


def test_without_a_limit_it_never_measures() -> None:
    watched = Watched(limit_bytes=0)
    assert watched.monitor.next_deadline_ms() is None


# ── what ──


def test_the_alarm_is_on_below_the_limit_and_not_at_it(watched: Watched) -> None:
    assert watched.measure(LIMIT_BYTES) is False
    assert watched.measure(LIMIT_BYTES - 1) is True


def test_the_alarm_goes_off_only_well_above_the_limit(watched: Watched) -> None:
    clear_bytes = int(LIMIT_BYTES * CLEAR_ABOVE_RATIO)
    assert watched.measure(LIMIT_BYTES - 1) is True
    assert watched.measure(LIMIT_BYTES) is True
    assert watched.measure(clear_bytes - 1) is True
    assert watched.measure(clear_bytes) is False
    assert watched.measure(LIMIT_BYTES) is False


def test_a_disk_that_hovers_at_the_limit_changes_state_once(watched: Watched) -> None:
    hovering = [LIMIT_BYTES + offset for offset in (1, -1, 1, -1, 0, 20, -5)]
    assert [watched.measure(free) for free in hovering] == [False, *[True] * 6]


@pytest.mark.parametrize("is_low", [True, False])
def test_a_measurement_that_fails_leaves_the_alarm_as_it_is(
    watched: Watched, *, is_low: bool
) -> None:
    assert watched.measure(0 if is_low else PLENTY_BYTES) is is_low
    assert watched.measure(None) is is_low
    assert watched.measure(PLENTY_BYTES) is False


def test_measuring_goes_on_after_a_failure(watched: Watched) -> None:
    assert watched.interval_ms(None) == INTERVAL_MAX_MS
    watched.measure(PLENTY_BYTES)
    assert watched.interval_ms(None) == INTERVAL_MAX_MS
    assert watched.monitor.free_bytes == PLENTY_BYTES


# ── refused writes ──


def test_a_refused_write_trips_the_alarm_at_once(watched: Watched) -> None:
    watched.measure(PLENTY_BYTES)
    watched.monitor.trip(START_MS + 3)
    assert watched.told[-1] == (True, START_MS + 3)
    assert watched.monitor.is_low


def test_a_tripped_alarm_stays_on_whatever_is_measured(watched: Watched) -> None:
    watched.monitor.trip(START_MS)
    assert watched.measure(PLENTY_BYTES) is True
    assert watched.measure(None) is True


def test_a_released_alarm_goes_off_if_there_is_room(watched: Watched) -> None:
    watched.monitor.trip(START_MS)
    watched.free_bytes = PLENTY_BYTES
    watched.monitor.release(START_MS + 5)
    assert watched.told[-1] == (False, START_MS + 5)


def test_a_released_alarm_stays_on_if_there_is_little(watched: Watched) -> None:
    watched.monitor.trip(START_MS)
    watched.free_bytes = LIMIT_BYTES - 1
    watched.monitor.release(START_MS)
    assert watched.told[-1] == (True, START_MS)
    assert watched.measure(PLENTY_BYTES) is False


def test_only_what_was_tripped_is_released(watched: Watched) -> None:
    watched.measure(0)
    told = list(watched.told)
    watched.free_bytes = PLENTY_BYTES
    watched.monitor.release(START_MS)
    assert watched.told == told
    assert watched.monitor.is_low


def test_without_a_limit_refused_writes_count_all_the_same() -> None:
    watched = Watched(limit_bytes=0)
    watched.free_bytes = None
    watched.monitor.trip(START_MS)
    watched.monitor.release(START_MS)
    assert watched.told == [(True, START_MS), (False, START_MS)]


def test_only_changes_are_logged(watched: Watched, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        for free_bytes in (60_000_000, 3, 2, None, None, 70_000_000, 70_000_000):
            watched.measure(free_bytes)
        watched.monitor.trip(START_MS)
        watched.monitor.trip(START_MS)
        watched.monitor.release(START_MS)
    assert [record.getMessage() for record in caplog.records] == [
        "disk alarm on free_bytes=3 limit_bytes=50000000 writes_refused=False",
        "free disk space is not known error=[Errno 5] rotten",
        "disk alarm off free_bytes=70000000 limit_bytes=50000000 writes_refused=False",
        "disk alarm on free_bytes=70000000 limit_bytes=50000000 writes_refused=True",
        "disk alarm off free_bytes=70000000 limit_bytes=50000000 writes_refused=False",
    ]
