"""The memory alarm: measured once a second, told each time, and it does not flutter."""

import logging
from pathlib import Path

import pytest

from amqp_server.net import memory_monitor
from amqp_server.net.freed_memory import FreedMemory
from amqp_server.net.memory_monitor import (
    CLEAR_BELOW_RATIO,
    GIVE_BACK_ABOVE_RATIO,
    INTERVAL_MS,
    NEAR_INTERVAL_MS,
    MemoryMonitor,
    resident_bytes,
    total_bytes,
)

WATERMARK_BYTES = 1_000
START_MS = 50_000


class Watched:
    """A monitor, what it is given to measure, and what it told."""

    def __init__(self, watermark_bytes: int = WATERMARK_BYTES) -> None:
        self.told: list[tuple[bool, int]] = []
        self.used_bytes = 0
        self.monitor = MemoryMonitor(
            watermark_bytes,
            lambda is_low, now_ms: self.told.append((is_low, now_ms)),
            START_MS,
            lambda: self.used_bytes,
        )

    def measure(self, used_bytes: int) -> bool:
        self.used_bytes = used_bytes
        self.monitor.on_deadline(START_MS)
        return self.told[-1][0]


@pytest.fixture
def watched() -> Watched:
    return Watched()


# ── when ──


def test_it_measures_at_once_and_then_every_second(watched: Watched) -> None:
    assert watched.monitor.next_deadline_ms() == START_MS
    watched.monitor.on_deadline(START_MS + 7)
    assert watched.monitor.next_deadline_ms() == START_MS + 7 + INTERVAL_MS
    assert INTERVAL_MS == 1_000


def test_what_cannot_be_measured_is_measured_a_second_later(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def refuse() -> int:
        raise OSError("too many open files")

    told: list[bool] = []
    monitor = MemoryMonitor(1_000, lambda is_low, _: told.append(is_low), START_MS, refuse)
    monitor.on_deadline(START_MS)
    assert monitor.next_deadline_ms() == START_MS + INTERVAL_MS
    assert told == []
    assert caplog.messages == ["the memory cannot be measured: too many open files"]


def test_without_a_watermark_it_never_measures() -> None:
    assert Watched(watermark_bytes=0).monitor.next_deadline_ms() is None


def test_each_measurement_is_told_with_its_time(watched: Watched) -> None:
    for later_ms in (0, 1_000, 2_000):
        watched.monitor.on_deadline(START_MS + later_ms)
    assert watched.told == [(False, START_MS), (False, START_MS + 1_000), (False, START_MS + 2_000)]


# ── what ──


def test_the_alarm_is_on_above_the_watermark_and_not_at_it(watched: Watched) -> None:
    assert watched.measure(WATERMARK_BYTES) is False
    assert watched.measure(WATERMARK_BYTES + 1) is True


def test_the_alarm_goes_off_only_well_below_the_watermark(watched: Watched) -> None:
    clear_bytes = int(WATERMARK_BYTES * CLEAR_BELOW_RATIO)
    assert watched.measure(WATERMARK_BYTES + 1) is True
    assert watched.measure(WATERMARK_BYTES) is True
    assert watched.measure(clear_bytes + 1) is True
    assert watched.measure(clear_bytes) is False


def test_once_off_it_takes_the_whole_watermark_again(watched: Watched) -> None:
    for used_bytes in (WATERMARK_BYTES + 1, 0):
        watched.measure(used_bytes)
    assert watched.measure(WATERMARK_BYTES) is False


def test_a_process_that_hovers_at_the_watermark_changes_state_once(watched: Watched) -> None:
    hovering = [WATERMARK_BYTES + offset for offset in (-1, 1, -1, 1, 0, -20, 5)]
    assert [watched.measure(used) for used in hovering] == [False, *[True] * 6]


def test_only_changes_are_logged(watched: Watched, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        for used_bytes in (0, 1_001, 1_002, 3, 4):
            watched.measure(used_bytes)
    assert [record.getMessage() for record in caplog.records] == [
        "memory alarm on resident_bytes=1001 watermark_bytes=1000",
        "memory alarm off resident_bytes=3 watermark_bytes=1000",
    ]


# ── what was freed ──


MIB = 1 << 20


class Freeing:
    """A process with memory in use and freed memory that is still resident; both in bytes."""

    def __init__(self) -> None:
        self.used_bytes = self.kept_bytes = self.free_bytes = 0
        self.is_low = False
        self.monitor = MemoryMonitor(
            1_000 * MIB,
            self._tell,
            START_MS,
            lambda: self.used_bytes + self.kept_bytes,
            FreedMemory(lambda: self.free_bytes, self._trim, lambda: 0),
        )

    def _tell(self, is_low: bool, now_ms: int) -> None:
        self.is_low = is_low

    def _trim(self) -> None:
        self.kept_bytes = 0

    def use(self, mib: int) -> None:
        self.used_bytes += mib * MIB

    def free(self, mib: int) -> None:
        self.used_bytes -= mib * MIB
        self.kept_bytes += mib * MIB
        self.free_bytes += mib * MIB

    def on_deadline(self) -> bool:
        self.monitor.on_deadline(START_MS)
        return self.is_low


def test_freed_memory_raises_no_alarm() -> None:
    process = Freeing()
    process.use(1_200)
    process.free(1_100)
    assert process.on_deadline() is False
    assert process.kept_bytes == 0


def test_the_alarm_ends_when_its_cause_does() -> None:
    process = Freeing()
    process.use(1_200)
    assert process.on_deadline() is True
    process.free(1_100)
    assert process.on_deadline() is False


def test_the_alarm_ends_though_memory_is_freed_bit_by_bit() -> None:
    process = Freeing()
    process.use(1_200)
    states = []
    for _ in range(100):
        process.free(5)
        states.append(process.on_deadline())
    assert states == [True] * 49 + [False] * 51


def test_well_below_the_watermark_freed_memory_is_kept() -> None:
    process = Freeing()
    process.use(int(1_000 * GIVE_BACK_ABOVE_RATIO))
    process.free(500)
    process.on_deadline()
    assert process.kept_bytes == 500 * MIB
    assert process.monitor.next_deadline_ms() == START_MS + INTERVAL_MS


def test_near_the_watermark_it_is_given_back_soon_so_that_it_is_little_at_a_time() -> None:
    process = Freeing()
    process.use(900)
    process.on_deadline()
    assert process.monitor.next_deadline_ms() == START_MS + NEAR_INTERVAL_MS
    process.free(100)
    process.on_deadline()
    assert process.kept_bytes == 0


# ── the process and its host ──


def test_the_process_uses_memory_and_not_more_than_there_is() -> None:
    assert 1 << 20 < resident_bytes() < total_bytes()


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that stands in for what the kernel tells: 8 GiB, no cgroup limit."""
    (tmp_path / "meminfo").write_text("MemFree: 1 kB\nMemTotal:       8388608 kB\nSwap: 9 kB\n")
    (tmp_path / "statm").write_text("900 25 7 1 0 30 0\n")
    monkeypatch.setattr(memory_monitor, "_MEMINFO", tmp_path / "meminfo")
    monkeypatch.setattr(memory_monitor, "_STATM", tmp_path / "statm")
    monkeypatch.setattr(memory_monitor, "_CGROUP_LIMITS", (tmp_path / "max", tmp_path / "v1"))
    monkeypatch.setattr("os.sysconf", lambda name: {"SC_PAGE_SIZE": 4096}[name])
    return tmp_path


def test_the_resident_set_is_counted_in_pages(host: Path) -> None:
    assert resident_bytes() == 25 * 4096


@pytest.mark.parametrize(
    ("limits", "total"),
    [
        ({}, 8 << 30),
        ({"max": "max\n"}, 8 << 30),
        ({"max": "1073741824\n"}, 1 << 30),
        ({"v1": "536870912\n"}, 512 << 20),
        ({"v1": "9223372036854771712\n"}, 8 << 30),
        ({"max": "1073741824", "v1": "2147483648"}, 1 << 30),
    ],
)
def test_the_total_is_the_hosts_or_the_cgroups_limit_if_less(
    host: Path, limits: dict[str, str], total: int
) -> None:
    for name, text in limits.items():
        (host / name).write_text(text)
    assert total_bytes() == total
