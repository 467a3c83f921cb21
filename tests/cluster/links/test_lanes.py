"""What leaves first, and what never overtakes what."""

import random
from dataclasses import replace

import pytest

from cluster.links.settings import KIB
from cluster.replication.frames import Ack, Append, Ends, Got, LeaderFrame, Refused, Tail
from tests.support.linked_pair import SMALL, LinkedPair, fence, never, run, tail


def test_live_runs_go_in_front_of_a_catch_up_of_another_queue() -> None:
    pair = LinkedPair(SMALL).opened()
    pair.a.put(tail("old", b"t" * 64 * KIB))
    pair.b.receive(memoryview(pair.output(pair.a, 1)), pair.now_ms, never)
    pair.a.put(run("q", 1))
    pair.a.put(run("r", 2))
    pair.carry()
    assert pair.at_b.order() == ["Append q", "Append r", "Tail old"]


def test_frames_of_one_queue_never_overtake_each_other_and_lsns_neither() -> None:
    # R9: an LSN answers for all runs before it. So a run behind its queue's tail holds later
    # runs of other queues back, and the tail goes in front.
    pair = LinkedPair(SMALL).opened()
    pair.a.put(tail("q", b"t" * 16 * KIB))
    pair.a.put(tail("other", b"t" * 16 * KIB))
    pair.a.put(run("r", 1))
    pair.a.put(run("q", 2))
    pair.a.put(run("r", 3))
    pair.carry()
    order = pair.at_b.order()
    assert [each for each in order if each != "Tail other"] == [
        "Append r",
        "Tail q",
        "Append q",
        "Append r",
    ]
    assert order[-1] == "Tail other"


def test_a_tail_behind_a_fence_of_its_queue_waits_for_it() -> None:
    settings = replace(SMALL, windows=replace(SMALL.windows, live_bytes=4 * KIB))
    pair = LinkedPair(settings).opened()
    pair.at_b.is_slow = True
    for lsn in range(1, 6):
        pair.a.put(run("r", lsn, b"x" * KIB))
    pair.a.put(fence("q"))
    pair.a.put(tail("q", b"t"))
    pair.a.put(tail("s", b"t"))
    pair.carry()
    assert pair.at_b.order() == ["Append r"] * 4 + ["Tail s"]
    pair.at_b.is_slow = False
    pair.at_b.work_off(pair.b)
    pair.carry()
    assert pair.at_b.order()[5:] == ["Append r", "Fence q", "Tail q"]


def test_catch_ups_go_on_beside_a_flood_of_live_runs() -> None:
    pair = LinkedPair(SMALL).opened()
    pair.a.put(tail("old", b"t" * 8 * KIB))
    for lsn in range(1, 41):
        pair.a.put(run("q", lsn, b"x" * 4 * KIB))
    pair.carry()
    order = pair.at_b.order()
    assert 4 < order.index("Tail old") < 20


def test_a_run_leaves_in_one_envelope_where_a_tail_leaves_in_pieces() -> None:
    # One read of a publisher is a run of 256 KiB: the mirror must not put it together in memory.
    pair = LinkedPair().opened()
    pair.a.put(run("q", 1, b"x" * 300 * KIB))
    pair.a.put(tail("r", b"t" * 300 * KIB))
    octets = bytearray(pair.output(pair.a))
    pair.b.receive(memoryview(octets), pair.now_ms, never)
    live, old = pair.at_b.frames
    assert isinstance(live, Append)
    assert isinstance(live.payload, memoryview)
    assert live.payload.obj is octets
    assert isinstance(old, Tail)
    assert isinstance(old.payload, memoryview)
    assert old.payload.obj is not octets


def test_a_run_leaves_in_pieces_that_the_other_nodes_windows_take() -> None:
    pair = LinkedPair(SMALL).opened()
    pair.a.put(run("q", 1, b"x" * 16 * KIB))
    first = b"".join(map(bytes, pair.a.output(1, pair.now_ms)))
    assert len(first) < 5 * KIB, "a quarter of its smallest window is the most at once"
    pair.give(pair.b, first)
    pair.carry()
    assert pair.at_b.order() == ["Append q"]


def test_too_many_frames_that_wait_end_the_connection() -> None:
    pair = LinkedPair(replace(SMALL, waiting_frames_max=10)).opened()
    for lsn in range(1, 13):
        pair.a.put(run("q", lsn))
    assert pair.at_a.reasons == ["10 frames wait, the other node is too slow"]
    for number in range(13):
        pair.b.put(Got("q", 1, number))
    assert pair.at_b.reasons == ["10 answers wait, the other node is too slow"]


def test_eight_catch_ups_wait_and_no_more_are_read() -> None:
    pair = LinkedPair(SMALL).opened()
    takes = []
    for number in range(8):
        takes.append(pair.a.takes_catch_up)
        pair.a.put(tail(f"q{number}", b"t" * 16 * KIB))
    takes.append(pair.a.takes_catch_up)
    pair.carry()
    takes.append(pair.a.takes_catch_up)
    assert takes == [True] * 8 + [False, True]
    assert len(pair.at_b.frames) == 8


@pytest.mark.parametrize("seed", range(60))
def test_whatever_comes_leaves_in_an_order_that_one_lsn_can_answer_for(seed: int) -> None:
    # The windows are small against some frames, and records are worked off now and then: no
    # frames may wait for each other, and none may be lost.
    dice = random.Random(seed)
    pair = LinkedPair(replace(SMALL, held_bytes_max=16 * KIB)).opened()
    pair.at_b.is_slow = True
    put: dict[str, list[object]] = {}
    lsn = 0
    for number in range(150):
        queue = f"q{dice.randrange(12)}"
        octets = bytes([number % 256]) * dice.choice((1, 100, 4 * KIB, 40 * KIB))
        kind = dice.choice(("run", "run", "run", "tail", "fence"))
        if kind == "run":
            lsn += 1
            pair.log.runs[queue, number] = octets
            frame: LeaderFrame = run(queue, lsn, octets, after=number)
        else:
            frame = tail(queue, octets, after=number) if kind == "tail" else fence(queue, number)
        put.setdefault(queue, []).append(frame)
        pair.a.put(frame)
        if dice.random() < 0.3:
            out = pair.a.output(dice.randrange(1, 64 * KIB), pair.now_ms)
            pair.give(pair.b, b"".join(out))
        if dice.random() < 0.2:
            pair.at_b.work_off(pair.b)
            pair.give(pair.a, pair.output(pair.b))
    for _ in range(1_000):
        if not pair.a.waiting_count:
            break
        pair.at_b.work_off(pair.b)
        pair.carry()
    assert pair.at_a.reasons == pair.at_b.reasons == []
    came: dict[str, list[object]] = {}
    for each in pair.at_b.frames:
        assert not isinstance(each, Ends | Got | Refused | Ack)
        came.setdefault(each.queue, []).append(each)
    assert came == put
    lsns = [each.lsn for each in pair.at_b.frames if isinstance(each, Append)]
    assert lsns == sorted(lsns)
    assert pair.held.total == 0


def test_many_large_catch_ups_do_not_wait_for_each_other() -> None:
    pair = LinkedPair(SMALL).opened()
    pair.at_b.is_slow = True
    for number in range(40):
        pair.a.put(tail(f"q{number}", b"t" * 40 * KIB))
    for _ in range(200):
        pair.carry()
        pair.at_b.work_off(pair.b)
    assert pair.at_a.reasons == pair.at_b.reasons == []
    assert len(pair.at_b.frames) == 40
