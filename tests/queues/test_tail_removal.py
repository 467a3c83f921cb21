"""Messages leave the middle of a tail; the others keep order, positions and expiries."""

import random

import pytest

from queues.tail import NodeMemory, QueueMemory, Tail, check
from queues.tail_removal import remove
from tests.support.records import record, run_of


@pytest.mark.parametrize("seed", range(8))
def test_the_others_stay_as_they_were(seed: int) -> None:
    draw = random.Random(seed)
    memory = QueueMemory(NodeMemory())
    tail = Tail(memory)
    kept: list[tuple[int, bytes, int]] = []
    position = 0
    for _ in range(30):
        count = draw.choice((1, 2, 70))
        position += draw.choice((0, 3))
        run = run_of(*[b"%d" % (position + at) * draw.choice((1, 9_000)) for at in range(count)])
        expires = draw.choice((0, [draw.randrange(9) for _ in range(count)]))
        tail.append(run, position, expires)
        each = [expires] * count if isinstance(expires, int) else expires
        kept += zip(range(position, position + count), [one.body for one in run], each, strict=True)
        position += count
        gone = sorted(draw.sample(range(position), min(position, draw.choice((1, 5, 40)))))
        before = len(kept)
        kept = [one for one in kept if one[0] not in gone]
        assert remove(tail, gone) == before - len(kept)
        check(tail)
        tail.append(run_of(b"%d" % position), position)
        kept.append((position, b"%d" % position, 0))
        position += 1
    found: list[tuple[int, bytes, int]] = []
    for one in tail.slices():
        expires_at_ms = one.expires_at_ms
        all_of = (
            [expires_at_ms] * len(one.positions)
            if isinstance(expires_at_ms, int)
            else expires_at_ms
        )
        found += zip(one.positions, [bytes(each.body) for each in one.records], all_of, strict=True)
    assert found == kept
    tail.clear()
    assert memory.used_bytes == 0


def test_what_is_not_there_changes_nothing() -> None:
    tail = Tail(QueueMemory(NodeMemory()))
    assert remove(tail, [1, 2]) == 0
    tail.append([record(b"a")], 5)
    assert remove(tail, [1, 4, 6, 9]) == 0
    assert remove(tail, [5]) == tail.count + 1 == 1
