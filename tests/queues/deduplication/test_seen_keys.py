"""The keys of a window against a naive model of it, and what is bounded."""

from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from persistence.record import PERSISTENT, Record, make_route
from queues.commits import SAFE_NOW
from queues.deduplication.seen_keys import FORGOTTEN_PER_STEP, NOTED_BYTES, SeenKeys
from queues.memory import MemoryRules
from queues.memory_log import MemoryLog
from queues.tail import NodeMemory, QueueMemory
from tests.support.frames import content_header, property_list


def message(key: object, ttl_ms: int | None = None, *, persistent: bool = False) -> Record:
    headers = {} if key is None else {"x-deduplication-header": key}
    if ttl_ms is not None:
        headers["x-cache-ttl"] = ttl_ms
    header = content_header(0, property_list(headers=headers))
    return Record(make_route("x", "k"), header, b"", PERSISTENT if persistent else 0)


def seen_keys(
    size_max: int = 100, ttl_ms: int | None = None, memory: QueueMemory | None = None
) -> SeenKeys:
    memory = QueueMemory(NodeMemory()) if memory is None else memory
    return SeenKeys(
        MemoryLog(), memory, size_max=size_max, ttl_ms=ttl_ms, header="x-deduplication-header"
    )


def take(seen: SeenKeys, run: Sequence[Record], now_ms: int) -> list[int]:
    """Let a run pass, all of which is taken; return the duplicates."""
    found = seen.sort(run, now_ms)
    keyed = [index for index, key in enumerate(found.keys) if key is not None]
    if keyed:
        seen.note(
            [found.keys[index] or b"" for index in keyed],
            [found.expires_at_ms[index] for index in keyed],
            [run[found.fresh[index]].flags & PERSISTENT for index in keyed],
            now_ms,
            SAFE_NOW,
        )
    return [index for index, _ in found.duplicates]


class Model(RuleBasedStateMachine):
    """A list of the keys that were seen, oldest first."""

    def __init__(self) -> None:
        super().__init__()
        self.seen = seen_keys(size_max=5, ttl_ms=None)
        self.now_ms = 1_000
        self.model: dict[int, tuple[float, bool]] = {}

    @rule(
        run=st.lists(
            st.tuples(st.integers(0, 8), st.sampled_from([None, 10, 50]), st.booleans()),
            min_size=1,
            max_size=6,
        )
    )
    def publish(self, run: list[tuple[int, int | None, bool]]) -> None:
        expected = []
        fresh: dict[int, tuple[float, bool]] = {}
        for index, (key, ttl_ms, persistent) in enumerate(run):
            over_at, was_persistent = fresh.get(key) or self.model.get(key, (-1.0, False))
            is_known = key in fresh or over_at > self.now_ms
            if is_known and was_persistent >= persistent:
                expected.append(index)
                continue
            over = float("inf") if ttl_ms is None else self.now_ms + ttl_ms
            fresh.pop(key, None)
            fresh[key] = (over, persistent)
        records = [message(key, ttl, persistent=kept) for key, ttl, kept in run]
        assert take(self.seen, records, self.now_ms) == expected
        for key, kept in fresh.items():
            self.model.pop(key, None)
            self.model[key] = kept

    @rule(span_ms=st.integers(1, 40))
    def wait(self, span_ms: int) -> None:
        self.now_ms += span_ms
        while not self.seen.forget_some(self.now_ms):
            pass

    @invariant()
    def is_bounded(self) -> None:
        # What is over, and stands behind what is not, takes a place too.
        self.model = {
            key: kept for key, kept in self.model.items() if f"I{key}".encode() in self.seen._marks
        }
        assert self.seen.count <= 5
        assert self.seen.count == len(self.model)
        entries = [each for each in self.seen._noted if each is not None]
        assert self.seen.memory_bytes == sum(len(key) + NOTED_BYTES for key, _ in entries)


TestModel = Model.TestCase
TestModel.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)


@given(st.lists(st.integers(0, 30), max_size=60), st.integers(1, 20))
@settings(deadline=None, max_examples=100)
def test_the_last_keys_are_known(keys: list[int], size: int) -> None:
    seen = seen_keys(size)
    remembered: list[int] = []
    for key in keys:
        is_duplicate = take(seen, [message(key)], 1) == [0]
        assert is_duplicate is (key in remembered)
        if not is_duplicate:
            remembered = [*remembered, key][-size:]
    assert seen.count == len(remembered)


def test_a_key_that_stays_does_not_hold_up_those_that_pass() -> None:
    seen = seen_keys(size_max=1_000)
    take(seen, [message("stays", persistent=True)], 1)
    for now_ms in range(10, 60_000, 10):
        assert take(seen, [message("passes", 5), message("stays")], now_ms) == [1]
    assert len(seen._noted) < 5_000, "though it stands before them all"


def test_while_memory_is_short_there_are_fewer_keys() -> None:
    node = NodeMemory(limit_bytes=10_000)
    memory = MemoryRules(node, 8_000).of_queue(spills_early=False)
    seen = seen_keys(size_max=100_000, memory=memory)
    for number in range(2_000):
        take(seen, [message(number)], 1)
    assert 0 < seen.count < 100
    assert node.used_bytes < 11_000
    assert take(seen, [message(1_999)], 1) == [0], "the last one is known"


def test_it_forgets_in_pieces() -> None:
    seen = seen_keys(size_max=10_000, ttl_ms=10)
    take(seen, [message(number) for number in range(3 * FORGOTTEN_PER_STEP)], 1)
    assert seen.next_deadline_ms() == 11
    assert seen.forget_some(10) is True
    assert [seen.forget_some(11) for _ in range(3)] == [False, False, True]
    assert (seen.count, seen.next_deadline_ms()) == (0, None)


@pytest.mark.parametrize("ttl_ms", [None, 1_000])
def test_memory_is_flat_however_many_keys_pass(ttl_ms: int | None) -> None:
    seen = seen_keys(size_max=1_000, ttl_ms=ttl_ms)
    marks = []
    for number in range(0, 20_000, 100):
        take(seen, [message(number + each) for each in range(100)], number)
        marks.append(len(seen._noted))
    assert max(marks) <= 1_100
