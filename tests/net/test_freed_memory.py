"""The C library is told to keep freed memory, and gives it back when it is asked to."""

import ctypes
from types import SimpleNamespace

import pytest

from amqp_server.net import freed_memory
from amqp_server.net.freed_memory import (
    COUNTING_PART_OF_TIME,
    GIVEN_BACK_BYTES_MIN,
    GIVEN_BACK_OVER_LIMIT_BYTES_MIN,
    FreedMemory,
)
from amqp_server.net.memory_monitor import resident_bytes


def test_glibc_is_told_both_thresholds(monkeypatch: pytest.MonkeyPatch) -> None:
    told: dict[int, int] = {}

    def mallopt(option: int, value: int) -> int:
        told[option] = value
        return 1

    monkeypatch.setattr(ctypes, "CDLL", lambda _name: SimpleNamespace(mallopt=mallopt))
    assert freed_memory.keep_freed_memory()
    assert told == {-3: freed_memory.OWN_PAGES_FROM_BYTES, -1: freed_memory.KEPT_BYTES_MAX}


def test_another_c_library_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ctypes, "CDLL", lambda _name: SimpleNamespace())
    assert not freed_memory.keep_freed_memory()


# ── giving back ──


class Heap:
    """What is free of a heap, and how often it was given back."""

    def __init__(self, free_bytes: int = 0) -> None:
        self.free_bytes = free_bytes
        self.trims_count = self.counts_count = 0
        self.now_ns = self.count_takes_ns = 0
        self.freed = FreedMemory(self._count, self._trim, lambda: self.now_ns)

    def _count(self) -> int:
        self.counts_count += 1
        self.now_ns += self.count_takes_ns
        return self.free_bytes

    def _trim(self) -> None:
        self.trims_count += 1


def test_little_is_kept_and_much_is_given_back() -> None:
    heap = Heap(GIVEN_BACK_BYTES_MIN - 1)
    assert not heap.freed.give_back(is_over_limit=False)
    heap.free_bytes += 1
    assert heap.freed.give_back(is_over_limit=False)
    assert heap.trims_count == 1


def test_over_the_limit_little_is_given_back_too() -> None:
    heap = Heap(GIVEN_BACK_OVER_LIMIT_BYTES_MIN)
    assert heap.freed.give_back(is_over_limit=True)


def test_what_was_given_back_is_not_given_back_again() -> None:
    heap = Heap(GIVEN_BACK_BYTES_MIN)
    assert heap.freed.give_back(is_over_limit=False)
    assert not heap.freed.give_back(is_over_limit=True)
    heap.free_bytes += GIVEN_BACK_BYTES_MIN
    assert heap.freed.give_back(is_over_limit=False)


def test_what_was_used_since_counts_when_it_is_freed_again() -> None:
    heap = Heap(GIVEN_BACK_BYTES_MIN)
    heap.freed.give_back(is_over_limit=False)
    heap.free_bytes = 0
    assert not heap.freed.give_back(is_over_limit=False)
    heap.free_bytes = GIVEN_BACK_BYTES_MIN
    assert heap.freed.give_back(is_over_limit=False)


def test_what_nobody_looked_at_for_a_while_counts_as_resident() -> None:
    heap = Heap(GIVEN_BACK_BYTES_MIN)
    heap.freed.give_back(is_over_limit=False)
    heap.freed.forget()
    assert heap.freed.give_back(is_over_limit=False)


def test_a_heap_that_takes_long_to_count_is_counted_rarely() -> None:
    heap = Heap()
    heap.count_takes_ns = 20_000_000
    for _ in range(100):
        heap.freed.give_back(is_over_limit=True)
        heap.now_ns += 200_000_000
    assert heap.now_ns // heap.count_takes_ns // heap.counts_count >= COUNTING_PART_OF_TIME


def test_freed_blocks_below_one_that_is_used_leave_the_resident_set() -> None:
    freed = freed_memory.freed_memory_of_heap()
    if freed is None:
        pytest.skip("not glibc")
    library = ctypes.CDLL(None)
    library.malloc.restype = ctypes.c_void_p
    library.free.argtypes = (ctypes.c_void_p,)
    block_bytes, blocks_count = 100_000, 640
    blocks = [library.malloc(block_bytes) for _ in range(blocks_count)]
    for block in blocks:
        ctypes.memset(block, 1, block_bytes)
    last = library.malloc(block_bytes)
    full_bytes = resident_bytes()
    for block in blocks:
        library.free(block)
    assert freed.give_back(is_over_limit=False)
    assert full_bytes - resident_bytes() > block_bytes * blocks_count // 2
    library.free(last)


def test_another_c_library_gives_nothing_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ctypes, "CDLL", lambda _name: SimpleNamespace())
    assert freed_memory.freed_memory_of_heap() is None
