"""One front link: what it carries, in which order, and how it ends."""

import random
import time
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cluster.fronts.frames import Close, Confirmed, Consume, Credit, Deliver, Got, Open, Publish
from cluster.fronts.leader_half import FrontPipe
from cluster.fronts.links.encoding import Frame
from cluster.fronts.links.layout import (
    FRAME,
    FRAMES,
    FRAMES_MAX,
    FRAMES_PER_OUTPUT,
    PUBLISH,
    FrameKind,
)
from cluster.fronts.remote_way import LeaderPipe
from cluster.links.envelope import HEADER_BYTES, open_envelope, seal
from cluster.links.kinds import Kind
from cluster.links.layout import CREDIT, QUEUE
from cluster.links.settings import KIB, MIB
from queues.batch import Batch
from tests.support.front_frames import plain, to_front, to_leader
from tests.support.front_pair import (
    SMALL,
    FrontPair,
    deliver,
    publish,
    run_of,
)

FUZZ_S = 4


@given(st.lists(to_leader(), max_size=8), st.lists(to_front(), max_size=8))
@settings(max_examples=200, deadline=None)
def test_frames_of_both_sides_arrive_as_they_were_put(
    asked: list[Frame], answered: list[Frame]
) -> None:
    pair = FrontPair().opened()
    for frame in asked:
        pair.a.put(frame)
    for frame in answered:
        pair.b.put(frame)
    pair.carry()
    assert pair.at_b.plain() == [plain(frame) for frame in asked]
    assert pair.at_a.plain() == [plain(frame) for frame in answered]
    assert pair.is_well()


def test_frames_of_one_turn_leave_in_one_envelope() -> None:
    pair = FrontPair().opened()
    for number in range(FRAMES_MAX):
        pair.a.put(Credit("q", 1, number, 0))
    pair.output(pair.b)
    out = pair.a.output(MIB, 0)
    assert len(out) == 3
    assert b"".join(map(bytes, out)).count(b"q") == 1


@pytest.mark.parametrize("count", [FRAMES_MAX + 1, 5_000])
def test_an_envelope_has_few_frames(count: int) -> None:
    pair = FrontPair().opened()
    for number in range(count):
        pair.a.put(Credit("q", 1, number, 0))
    pair.carry()
    assert [frame.total for frame in pair.at_b.frames if isinstance(frame, Credit)] == list(
        range(count)
    )


def test_what_leaves_in_one_go_is_little_whatever_waits() -> None:
    pair = FrontPair().opened()
    for number in range(5_000):
        pair.a.put(Open(f"queue {number}", 1, 1))
    for _ in range(5):
        out = pair.a.output(1 << 30, 0)
        assert 0 < len(out) <= FRAMES_PER_OUTPUT
        pair.give(pair.b, b"".join(map(bytes, out)))
        assert pair.at_b.frames == []
    pair.carry()
    assert len(pair.at_b.frames) == 5_000
    for number in range(5_000):
        pair.a.put(Close(f"queue {number}"))
    pair.give(pair.b, b"".join(map(bytes, pair.a.output(1 << 30, 0))))
    assert len(pair.at_b.frames) == 5_000 + FRAMES_PER_OUTPUT


def test_batches_that_follow_each_other_for_one_consumer_arrive_as_one() -> None:
    pair = FrontPair().opened()
    for first, count in ((1, 3), (4, 1), (5, 20)):
        pair.b.put(deliver("q", first, count))
    pair.carry()
    assert pair.at_a.plain() == [plain(deliver("q", 1, 24))]
    pair.b.put(deliver("q", 25, 2))
    pair.carry()
    assert len(pair.at_a.frames) == 2, "what has left is not waited for"
    assert pair.is_well()
    assert (pair.b.waiting_bytes, pair.b.waiting_count) == (0, 0)


def other_batches() -> dict[str, list[Frame]]:
    """Return frames behind ``deliver("q", 1, 3)`` that do not leave with it."""
    batch = deliver("q", 4, 2).batch
    redelivered = Batch(batch.positions, batch.records, redelivered=True)
    again = Batch(batch.positions, batch.records, None, 1)
    return {
        "of another consumer": [Deliver("q", (2,), batch)],
        "of several": [Deliver("q", (1, 2), batch)],
        "of another queue": [deliver("r", 4, 2)],
        "redelivered": [Deliver("q", (1,), redelivered)],
        "requeued before": [Deliver("q", (1,), again)],
        "behind another frame": [Confirmed("q", 1), deliver("q", 4, 2)],
        "too large": [deliver("q", 4, 1, 250 * KIB), deliver("q", 5, 1, 250 * KIB)],
        "got": [Got("q", 1, deliver("q", 4, 1).batch, 0)],
    }


@pytest.mark.parametrize("what", other_batches())
def test_another_batch_is_a_frame_of_its_own(what: str) -> None:
    pair = FrontPair().opened()
    frames = [deliver("q", 1, 3, 12 * KIB), *other_batches()[what]]
    for frame in frames:
        pair.b.put(frame)
    pair.carry()
    assert pair.at_a.plain() == [plain(frame) for frame in frames]
    assert pair.is_well()


def test_a_slice_ends_between_envelopes() -> None:
    pair = FrontPair().opened()
    for number in range(3 * FRAMES_MAX):
        pair.a.put(Credit("q", 1, number, 0))
    view = memoryview(pair.output(pair.a))
    done = pair.b.receive(view, 0, lambda: True)
    done += pair.b.receive(view[done:], 0, lambda: True)
    assert len(pair.at_b.frames) == FRAMES_MAX
    assert done < len(view)


def test_queues_keep_their_order_and_do_not_wait_for_each_other() -> None:
    pair = FrontPair(SMALL).opened()
    large = 3 * MIB
    pair.a.put(publish("large", 1, 1, large))
    pair.a.put(behind := Close("large"))
    for number in range(40):
        pair.a.put(publish("small", 1 + number))
    pair.carry()
    kinds = [(type(frame).__name__, frame.queue) for frame in pair.at_b.frames]
    assert kinds[:40] == [("Publish", "small")] * 40
    assert kinds[40:] == [("Publish", "large"), ("Close", "large")]
    assert pair.at_b.frames[-1] == behind
    found = pair.at_b.frames[40]
    assert isinstance(found, Publish)
    assert list(found.run) == list(run_of(1, large))
    assert pair.is_well()


def test_small_frames_leave_between_the_pieces_of_a_large_one() -> None:
    pair = FrontPair(SMALL).opened()
    pair.a.put(publish("large", 1, 1, 256 * KIB))
    seen: list[str] = []
    for number in range(1, 60):
        pair.a.put(publish("small", number))
        list(pair.carry_once())
        seen += [frame.queue for frame in pair.at_b.frames[len(seen) :]]
    assert seen.index("large") > 5
    assert seen.count("small") == 59
    assert pair.is_well()


def test_a_run_of_many_messages_arrives_as_several() -> None:
    pair = FrontPair(SMALL).opened()
    pair.a.put(Publish("q", 5, 3, 0, run_of(1_000, 100)))
    pair.carry()
    number, messages = 5, 0
    assert len(pair.at_b.frames) > 10
    for frame in pair.at_b.frames:
        assert isinstance(frame, Publish)
        assert frame.first == number
        assert frame.open_below == (3 if number == 5 else number - 1)
        number += len(frame.run)
        messages += len(frame.run)
    assert messages == 1_000
    assert pair.is_well()


def test_credit_for_what_was_not_put_ends_the_connection() -> None:
    pair = FrontPair().opened()
    pair.a.put(Open("q", 1, 1))
    pair.carry()
    pair.give(pair.a, seal(pair.a._received_count, Kind.CREDIT, 0, CREDIT.pack(1, 1)))
    assert pair.at_a.reasons == ["credit for 1 octets, 0 were sent"]


@pytest.mark.parametrize(
    ("kind", "body", "reason"),
    [
        (Kind.PIECE, QUEUE.pack(1) + b"x", "a piece for queue 1, of which no message is open"),
        (Kind.HELLO, b"", "kind 1 is none of a front link"),
        (Kind.APPEND, b"", "kind 19 is none of a front link"),
        (Kind.CREDIT, CREDIT.pack(9, 1), "queue 9 was not spoken of"),
        (FRAMES, b"", "an envelope that ends within a frame"),
        (FRAMES, FRAME.pack(FrameKind.OPEN, 9), "frame 1 of an envelope has 9 octets, or"),
        (FRAMES, FRAME.pack(99, 0), "a frame of kind 99"),
        (FRAMES, FRAME.pack(FrameKind.OPENED, 0), "a frame of kind 32 is none of the other"),
        (FRAMES, FRAME.pack(FrameKind.OPEN, 0), "a frame of 0 octets, 20 expected"),
        (FRAMES, (FRAME.pack(FrameKind.CLOSE, 4) + QUEUE.pack(1)) * 65, "frame 65 of"),
    ],
)
def test_envelopes_out_of_place_end_the_connection(kind: int, body: bytes, reason: str) -> None:
    pair = FrontPair().opened()
    pair.a.put(Open("q", 1, 1))
    pair.carry()
    pair.give(pair.b, seal(pair.b._received_count, kind, 0, body))
    [found] = pair.at_b.reasons
    assert found.startswith(reason)


def test_a_frame_between_the_pieces_of_its_queue_ends_the_connection() -> None:
    pair = FrontPair(SMALL).opened()
    pair.a.put(publish("q", 1, 1, 64 * KIB))
    for _ in range(2):
        pair.give(pair.b, b"".join(map(bytes, pair.a.output(1, 0))))
    assert pair.b._large
    close = FRAME.pack(FrameKind.CLOSE, 4) + QUEUE.pack(1)
    pair.give(pair.b, seal(pair.b._received_count, FRAMES, 0, close))
    assert pair.at_b.reasons == ["a frame between the pieces of another of its queue"]
    assert not pair.b._large


def test_a_large_message_that_begins_within_another_of_its_queue_ends_the_connection() -> None:
    pair = FrontPair(SMALL).opened()
    pair.a.put(publish("q", 1, 1, 64 * KIB))
    for _ in range(2):
        pair.give(pair.b, b"".join(map(bytes, pair.a.output(1, 0))))
    [(begun, _, _)] = pair.b._large.values()
    head = PUBLISH.pack(1, 2, 0, 0, 1, begun.records_bytes) + bytes(64)
    again = FRAME.pack(FrameKind.PUBLISH, len(head)) + head
    pair.give(pair.b, seal(pair.b._received_count, FRAMES, 0, again))
    assert pair.at_b.reasons == ["a frame between the pieces of another of its queue"]


def scene() -> tuple[FrontPair, bytes]:
    """A pair, and octets of many kinds of frames that are on their way to the leader's node."""
    pair = FrontPair(SMALL).opened()
    for frame in (
        Open("q", 3, 1),
        publish("q", 1, 3, 20),
        publish("r", 1, 1, 5 * KIB),
        Credit("q", 2, 9, 9),
        Close("r"),
    ):
        pair.a.put(frame)
    return pair, pair.output(pair.a)


def test_a_connection_may_be_cut_at_every_octet() -> None:
    _, octets = scene()
    for cut in range(0, len(octets), 1 if len(octets) < 4_000 else 3):
        pair = FrontPair(SMALL).opened()
        view = memoryview(octets)[:cut]
        done = pair.b.receive(view, 0, lambda: False)
        assert pair.b.reason is None
        whole = len(pair.at_b.frames)
        pair.b.lost("the socket is gone")
        assert done <= cut
        assert pair.at_b.reasons == ["the socket is gone"]
        assert len(pair.at_b.frames) == whole
        assert not pair.b._large


def reseal(octets: bytes, number: int, change: random.Random) -> bytes:
    """The same envelopes with some octets of their bodies changed, and checksums that hold."""
    out, at, view = b"", 0, memoryview(octets)
    while at < len(octets):
        envelope = open_envelope(view, at, number, 1 << 30)
        assert envelope is not None
        body = bytearray(envelope.body)
        for _ in range(change.choice([0, 0, 1, 1, 2, 8])):
            if body:
                place = change.randrange(min(len(body), change.choice([8, 40, 200, 1 << 20])))
                body[place] = change.choice([0, 1, 255, 128, change.randrange(256)])
        if change.random() < 0.1:
            body = body[: change.randrange(len(body) + 1)]
        out += seal(number, envelope.kind, envelope.flags, bytes(body))
        number, at = number + 1, envelope.end
    return out


def test_whatever_the_octets_are_a_link_error_ends_the_connection() -> None:
    ended = went_on = 0
    until = time.monotonic() + FUZZ_S
    seed = 0
    while time.monotonic() < until:
        seed += 1
        change = random.Random(seed)
        pair, octets = scene()
        broken = reseal(octets, pair.b._received_count, change)
        pair.give(pair.b, broken)
        pair.b.tick(pair.now_ms + 1)
        pair.b.lost("over")
        ended += pair.at_b.reasons != ["over"]
        went_on += pair.at_b.reasons == ["over"]
        assert len(pair.at_b.reasons) == 1
        assert pair.rooms[1].total_bytes == 0
    assert ended > 20, (ended, went_on)


def test_flipped_bits_are_seen() -> None:
    _, octets = scene()
    change = random.Random(7)
    for _ in range(300):
        place = change.randrange(len(octets))
        broken = bytearray(octets)
        broken[place] ^= 1 << change.randrange(8)
        pair = FrontPair(SMALL).opened()
        pair.give(pair.b, broken)
        if pair.b.reason is None:
            # The length of an envelope: the rest of it is waited for, and never comes.
            assert len(octets) - place < HEADER_BYTES + len(octets)
            continue
        assert "checksum" in pair.b.reason or "octets, " in pair.b.reason


def test_twenty_thousand_queues_are_on_one_connection() -> None:
    pair = FrontPair().opened()
    for number in range(20_000):
        pair.a.put(Open(f"queue {number}", 1, 1))
        pair.a.put(publish(f"queue {number}", 1))
    pair.carry()
    assert len(pair.at_b.frames) == 40_000
    for number in range(20_000):
        pair.b.put(Confirmed(f"queue {number}", 1))
        pair.b.put(deliver(f"queue {number}", 1))
    pair.carry()
    assert len(pair.at_a.frames) == 40_000
    assert pair.is_well()
    assert pair.a.waiting_bytes == pair.b.waiting_bytes == 0


def test_too_many_frames_for_a_node_that_takes_none_end_the_connection() -> None:
    pair = FrontPair(replace(SMALL, waiting_frames_max=100)).opened()
    for number in range(101):
        pair.a.put(Credit("q", 1, number, 0))
    assert pair.at_a.reasons == ["100 frames wait, the other node is too slow"]


def test_a_half_may_end_a_link_whose_frames_make_no_sense() -> None:
    pair = FrontPair().opened()
    to_leader: LeaderPipe = pair.a
    to_front: FrontPipe = pair.b
    assert not to_leader.is_shut("q")
    to_front.fail("a number that was not given")
    pair.carry()
    assert pair.at_a.reasons == ["the other node says: a number that was not given"]


def test_what_a_consumer_asks_for_must_be_plain() -> None:
    pair = FrontPair().opened()
    with pytest.raises(ValueError, match="object is no plain value"):
        pair.a.put(
            _consume({"x-offset": object()}),
        )
    pair.carry()
    assert pair.is_well()


def _consume(arguments: dict[str, object]) -> Frame:
    return Consume("q", 1, "tag", 2, 0, False, False, arguments, 1, 1)
