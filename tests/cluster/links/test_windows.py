"""No more is on its way than the other node takes."""

from cluster.links.settings import KIB
from cluster.replication.frames import (
    Append,
)
from tests.support.linked_pair import SMALL, LinkedPair, run, tail


def test_a_mirror_that_works_nothing_off_is_sent_a_window_and_no_more() -> None:
    pair = LinkedPair(SMALL).opened()
    pair.at_b.is_slow = True
    for lsn in range(1, 101):
        pair.a.put(run("q", lsn, b"x" * 4 * KIB))
    for number in range(20):
        pair.a.put(tail(f"t{number}", b"t" * 2 * KIB))
    pair.carry()
    octets = {"Append": 0, "Tail": 0}
    for frame in pair.at_b.frames:
        octets[type(frame).__name__] += 4 * KIB if isinstance(frame, Append) else 2 * KIB
    assert octets["Append"] == SMALL.windows.live_bytes
    assert octets["Tail"] == SMALL.windows.catch_up_bytes
    # Signs of life, and what costs no window, still come.
    pair.now_ms += SMALL.heartbeat_ms
    pair.a.tick(pair.now_ms)
    assert list(pair.carry_once()) != []
    pair.at_b.is_slow = False
    for _ in range(100):
        pair.at_b.work_off(pair.b)
        pair.carry()
    assert len(pair.at_b.frames) == 120
    assert pair.a.waiting_count == 0
