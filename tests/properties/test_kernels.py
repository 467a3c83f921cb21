"""A kernel and its twin give the same answers, whatever they are fed (ADR 3, ADR 10)."""

import sys
from collections.abc import Sequence
from itertools import accumulate, pairwise
from typing import Any, TypeGuard
from unittest.mock import patch

from hypothesis import given
from hypothesis import strategies as st

from amqp_server.wire import content, framing
from amqp_server.wire.events import Scan
from persistence import record as records
from persistence.record import LARGE_BODY_BYTES, NO_TTL, PERSISTENT, Record
from queues import tail
from queues.batch import Batch, QueuedMessage, messages_of
from queues.classic import ready
from queues.tail import NodeMemory, QueueMemory
from tests.support.classic_queue import returned_batches
from tests.support.frames import METHOD, content_frames, frame, publish_payload
from tests.support.memory_runs import in_memory
from tests.support.streams import LIMIT, STREAMS
from tests.support.twins import needs_kernels, twin_of

pytestmark = needs_kernels

LARGE = LARGE_BODY_BYTES

twin_framing = twin_of("amqp_server.wire.framing")
twin_content = twin_of("amqp_server.wire.content")
twin_record = twin_of("persistence.record")
twin_tail = twin_of("queues.tail")
with patch.dict(sys.modules, {"queues.tail": twin_tail}):
    twin_ready = twin_of("queues.classic.ready")

RECORDS = st.lists(
    st.builds(
        Record,
        st.sampled_from([b"\x00\x01a", b"\x01x\x00"]),
        st.sampled_from([b"h" * 14, b"i" * 14, b"long header" * 3]),
        st.binary(max_size=9) | st.sampled_from([b"b" * 40, b"c" * 65]),
        st.integers(0, 0xFFFF),
        st.integers(0, 255),
        st.sampled_from([NO_TTL, NO_TTL, 0, 5, 10**11 - 1]),
    ),
    min_size=1,
    max_size=20,
)


def told(events: Sequence[tuple[object, ...]]) -> list[object]:
    """Return events as plain values: runs hold objects in one build and memory in the other.

    The twin's events are of classes of its own, so they are told by their names.
    """
    return [
        (type(event).__name__, *[list(part) if is_run(part) else part for part in event])
        for event in events
    ]


def is_run(part: object) -> TypeGuard[Sequence[object]]:
    return isinstance(part, list) or type(part).__name__ == "Run"


def same(ours: Scan, theirs: Scan) -> bool:
    errors = [(type(scan.error).__name__, str(scan.error)) for scan in (ours, theirs)]
    return (
        told(ours.events) == told(theirs.events)
        and ours.consumed_bytes == theirs.consumed_bytes
        and errors[0] == errors[1]
    )


@given(STREAMS, st.data())
def test_the_scanners_agree_on_streams_cut_anywhere(stream: bytes, data: st.DataObject) -> None:
    cut = data.draw(st.integers(0, len(stream)))
    assert same(framing.scan(stream[:cut], LIMIT), twin_framing.scan(stream[:cut], LIMIT))


@given(STREAMS, st.data())
def test_the_scanners_agree_on_mutated_streams(stream: bytes, data: st.DataObject) -> None:
    octets = bytearray(stream)
    for _ in range(data.draw(st.integers(1, 4))):
        if octets:
            octets[data.draw(st.integers(0, len(octets) - 1))] = data.draw(st.integers(0, 255))
    mutated = bytes(octets)
    assert same(framing.scan(mutated, LIMIT), twin_framing.scan(mutated, LIMIT))


@given(
    st.lists(
        st.tuples(
            st.sampled_from([0, 1, 99, 100, 101, 1_000, 1_001, 9_999, 10_001, 33_000]),
            st.sampled_from(["a", "b"]),
            st.integers(1, 20),
        ),
        max_size=12,
    )
)
def test_the_scanners_count_the_same_sizes(runs: list[tuple[int, str, int]]) -> None:
    data = b"".join(
        (frame(METHOD, 1, publish_payload("", key)) + content_frames(1, b"x" * size)) * count
        for size, key, count in runs
    )
    ours, theirs = framing.MessageSizes(), twin_framing.MessageSizes()
    found = framing.Scanner(ours).scan(data, 20_000)
    assert same(found, twin_framing.Scanner(theirs).scan(data, 20_000))
    assert ours.counts == theirs.counts
    assert ours.total_bytes == theirs.total_bytes


@given(st.binary(max_size=200))
def test_the_scanners_agree_on_noise(noise: bytes) -> None:
    assert same(framing.scan(noise, LIMIT), twin_framing.scan(noise, LIMIT))


@given(RECORDS, st.integers(1, 65535), st.binary(max_size=9), st.booleans(), st.integers(1, 70))
def test_the_renderers_agree(
    run: list[Record], channel: int, prefix: bytes, redelivered: bool, payload_max_bytes: int
) -> None:
    arguments = (channel, prefix, 2**63, run, payload_max_bytes)
    fits = all(len(record.header) <= payload_max_bytes for record in run)
    for name in ("render_deliveries", "render_dealt", "render_large_deliveries"):
        dealt = (channel, [prefix], *arguments[2:])
        given_to = dealt if name == "render_dealt" else arguments
        answers: list[object] = []
        for module in (content, twin_content):
            try:
                answers.append(getattr(module, name)(*given_to, redelivered=redelivered))
            except (content.HeaderTooLargeError, twin_content.HeaderTooLargeError):
                assert not fits
                answers.append(None)
        assert answers[0] == answers[1]
        assert (answers[0] is not None) == fits


@given(
    st.lists(st.integers(0, 9) | st.integers(LARGE - 2, 3 * LARGE), min_size=1, max_size=5),
    st.integers(1000, 4 * LARGE) | st.integers(LARGE - 1, LARGE + 1),
)
def test_the_renderers_agree_in_pieces(sizes: list[int], payload_max_bytes: int) -> None:
    run = [Record(b"\x00\x01a", b"h" * 14, bytes(size)) for size in sizes]
    arguments = (1, b"prefix", 1, run, payload_max_bytes)
    prefixes = [content.deliver_prefix(tag) for tag in ("a", "bb", "ccc")]
    dealt = (1, prefixes, *arguments[2:])
    ours_dealt = content.render_dealt(*dealt, redelivered=True)
    assert ours_dealt == twin_content.render_dealt(*dealt, redelivered=True)
    ours = content.render_large_deliveries(*arguments, redelivered=True)
    assert ours == twin_content.render_large_deliveries(*arguments, redelivered=True)
    assert b"".join(ours) == content.render_deliveries(*arguments, redelivered=True)


@given(RECORDS, st.lists(st.binary(max_size=30), max_size=9), st.integers(0, 1000))
def test_open_records_agree(run: list[Record], pieces: list[bytes], missing_bytes: int) -> None:
    size_bytes = sum(map(len, pieces)) + missing_bytes
    head = run[0]._replace(body=b"")
    ours, theirs = records.OpenRecord(head, size_bytes), twin_record.OpenRecord(head, size_bytes)
    for piece in pieces:
        ours.add(piece)
        theirs.add(piece)
        assert ours.held_bytes == theirs.held_bytes
    assert list(ours.finish()) == theirs.finish()


@given(RECORDS)
def test_what_is_asked_of_a_run_is_answered_alike(run: list[Record]) -> None:
    memory = in_memory(run)
    assert list(memory) == run[: len(memory)]
    for name in (
        "body_bytes",
        "memory_bytes",
        "has_ttl",
        "header_stretches",
        "alike_stretches",
        "priorities_of",
    ):
        ours, theirs = getattr(records, name), getattr(twin_record, name)
        assert ours(memory) == ours(run[: len(memory)]) == theirs(run[: len(memory)])


@given(RECORDS, st.sampled_from([b"", b"\x01a\x01b"]), st.binary(min_size=12, max_size=30))
def test_runs_are_readdressed_alike(run: list[Record], route: bytes, header: bytes) -> None:
    theirs = twin_record.readdressed(run, route, header, PERSISTENT)
    for ours in (run, records.detached(run), records.detached(run[::-1])[::-1]):
        assert list(records.readdressed(ours, route, header, PERSISTENT)) == theirs


@given(RECORDS, st.data())
def test_runs_are_parted_alike(run: list[Record], data: st.DataObject) -> None:
    parts_of = data.draw(st.lists(st.lists(st.integers(0, 4), unique=True), min_size=1, max_size=6))
    numbers = st.integers(0, len(parts_of) - 1)
    order = bytes(data.draw(st.lists(numbers, min_size=len(run), max_size=len(run))))
    memory = records.detached(run)
    for ours in (run, memory, records.detached(memory[::-1])[::-1]):
        parts = records.parted(ours, order, parts_of, 5)
        assert [list(part) for part in parts] == twin_record.parted(run, order, parts_of, 5)


@given(
    st.lists(st.tuples(st.integers(0, 400), st.integers(1, 20)), max_size=60),
    st.integers(0, 70_000),
)
def test_the_scanners_agree_on_bursts(stretches: list[tuple[int, int]], large_bytes: int) -> None:
    def message(key: int) -> bytes:
        body = b"x" * (large_bytes if key == 400 else key % 3)
        method = frame(METHOD, 1, publish_payload("", str(key)))
        return method + content_frames(1, body, piece_bytes=131_064)

    data = b"".join(message(key) * count for key, count in stretches)
    data += b"".join(map(message, range(large_bytes % 400))) * 2
    assert same(framing.scan(data, 131_064), twin_framing.scan(data, 131_064))


@given(RECORDS, st.slices(20))
def test_a_slice_of_a_run_is_the_slice_of_its_records(run: list[Record], cut: slice) -> None:
    memory = in_memory(run)
    assert list(memory[cut]) == list(memory)[cut]
    assert list(memory[cut][::2]) == list(memory)[cut][::2]


NOW_MS = st.integers(1, 6)
EXPIRES = st.just(0) | NOW_MS | st.lists(st.just(0) | NOW_MS, min_size=20, max_size=20)
READY_STEPS = st.one_of(
    st.tuples(st.just("append"), RECORDS, EXPIRES),
    st.tuples(st.sampled_from(["take", "take_expired"]), st.integers(1, 30), NOW_MS),
    st.tuples(st.just("requeue"), st.integers(0, 9), st.just(0)),
    st.tuples(st.sampled_from(["drop_head", "purge"]), st.integers(1, 30), st.just(0)),
)


def cut_alike(
    ours: ready.Ready | tail.Tail, theirs: ready.Ready | tail.Tail, name: str, *arguments: int
) -> Batch | None:
    """Take from both; a kernel's batch may end where its memory does, the other goes as far."""
    count, *rest = arguments
    batch: Batch | None = getattr(ours, name)(count, *rest)
    if batch is not None:
        assert 0 < len(batch) <= count
        count = len(batch)
    other = getattr(theirs, name)(count, *rest)
    assert (batch is None) == (other is None)
    if batch is not None:
        assert messages_of(batch) == messages_of(other)
        assert (batch.redelivered, batch.body_bytes) == (other.redelivered, other.body_bytes)
        assert (batch.expires_at_ms is None) == (other.expires_at_ms is None)
    return batch


@given(st.lists(READY_STEPS, max_size=30))
def test_ready_messages_wait_and_leave_alike(steps: list[tuple[str, Any, Any]]) -> None:
    ours, theirs = ready.Ready(), twin_ready.Ready()
    away: list[QueuedMessage] = []
    for name, first, second in steps:
        match name:
            case "append":
                expires = second[: len(first)] if isinstance(second, list) else second
                assert ours.append(first, expires) == theirs.append(first, expires)
            case "requeue":
                back, away = away[:first], away[first:]
                for each in (ours, theirs):
                    each.requeue(returned_batches(back))
            case "purge":
                assert ours.purge() == theirs.purge()
            case _:
                arguments = (first,) if name == "drop_head" else (first, second)
                batch = cut_alike(ours, theirs, name, *arguments)
                if batch is not None:
                    away += messages_of(batch)
        for quantity in ("count", "body_bytes", "head_expires_at_ms", "delivered_below"):
            assert getattr(ours, quantity) == getattr(theirs, quantity)
        assert ours.memory.used_bytes == theirs.memory.used_bytes
        ours.check_invariants()


def stretched(gaps: list[int], first: int) -> list[int]:
    """Return ascending positions with such gaps between them."""
    return list(accumulate(gaps, initial=first))


TAIL_STEPS = st.one_of(
    st.tuples(st.just("append"), RECORDS, EXPIRES),
    st.tuples(st.just("append_band"), RECORDS, EXPIRES),
    st.tuples(st.just("append_slice"), RECORDS, st.lists(st.integers(1, 3), min_size=20)),
    st.tuples(st.sampled_from(["take", "take_expired"]), st.integers(0, 30), NOW_MS),
    st.tuples(st.sampled_from(["split", "clear", "move"]), st.integers(1, 2_000), st.just(0)),
)


@given(st.lists(TAIL_STEPS, max_size=30), st.integers(0, 40))
def test_tails_hold_the_same_in_the_same_order(
    steps: list[tuple[str, Any, Any]], redeliver_below: int
) -> None:
    ours = tail.Tail(QueueMemory(NodeMemory()), redeliver_below)
    theirs = twin_tail.Tail(twin_tail.QueueMemory(twin_tail.NodeMemory()), redeliver_below)
    position = 0
    for name, first, second in steps:
        match name:
            case "append" | "append_band" | "append_slice":
                position = append_alike(ours, theirs, name, first, second, position)
            case "split" if ours.count:
                # What is cut off may be taken or put back; here it is, so that the rest is seen.
                taken = ours.take_slices(first)
                assert taken
                (other,) = theirs.take_slices(first)
                assert flattened(taken) == flattened([other])
                assert same_tails(ours, theirs)
                ours.put_back(taken)
                theirs.put_back([other])
            case "move":
                ours, theirs = moved(ours), moved(theirs)
            case "clear":
                ours.clear()
                theirs.clear()
            case _ if name in {"take", "take_expired"}:
                batch = cut_alike(ours, theirs, name, first, 9 * first, second)
                assert batch is None or len(set(diffs(batch.positions))) <= 1
        assert same_tails(ours, theirs)


def append_alike(
    ours: tail.Tail,
    theirs: tail.Tail,
    name: str,
    run: list[Record],
    numbers: int | list[int],
    position: int,
) -> int:
    """Append to both; return where the next run may begin."""
    expires = numbers[: len(run)] if isinstance(numbers, list) else numbers
    arguments: list[Any] = [run, position, expires]
    if name == "append_slice":
        assert isinstance(numbers, list)
        arguments[1] = stretched(numbers[: len(run) - 1], position)
        arguments[2] = 0
        position = arguments[1][-1] + 1
    else:
        position += len(run)
    if name == "append_band":
        bands = tail.bands_of(run, 3)
        assert bands == twin_tail.bands_of(run, 3)
        arguments += [bands, bands[0]]
    for each in (ours, theirs):
        getattr(each, name)(*arguments)
    return position


def diffs(positions: range) -> list[int]:
    return [after - before for before, after in pairwise(positions)]


def flattened(slices: Sequence[tail.Slice]) -> list[tuple[Record, int, int]]:
    flat: list[tuple[Record, int, int]] = []
    for one in slices:
        expires = one.expires_at_ms
        each = [expires] * len(one.positions) if isinstance(expires, int) else expires
        flat += zip(one.records, one.positions, each, strict=True)
    return flat


def moved(whole: tail.Tail) -> tail.Tail:
    """Return another one that has taken over everything."""
    module = tail if type(whole) is tail.Tail else twin_tail
    memory = module.QueueMemory(module.NodeMemory())
    other: tail.Tail = module.Tail(memory, whole.redeliver_below)
    other.absorb(whole)
    return other


def same_tails(ours: tail.Tail, theirs: tail.Tail) -> bool:
    tail.check(ours)
    quantities = ("count", "body_bytes", "memory_bytes", "head_expires_at_ms")
    assert flattened(ours.slices()) == flattened(theirs.slices())
    if ours.count:
        assert ours.first_position == theirs.first_position
    return all(getattr(ours, name) == getattr(theirs, name) for name in quantities)
