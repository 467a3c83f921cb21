"""The scanner: what becomes a run, what a range, what is passed on, and what is refused."""

import struct

import pytest
from pamqp import commands

from amqp_server.wire.errors import BrokenFramingError
from amqp_server.wire.events import AckRange, FrameEvent, PublishBurst, PublishRun, Scan
from amqp_server.wire.framing import METHODS_PER_BURST_MAX, STRETCH_ALONE_COUNT, scan
from persistence.kernels import COMPILED
from persistence.record import (
    HAS_EXPIRATION,
    HAS_HEADERS,
    LARGE_BODY_BYTES,
    NO_TTL,
    PERSISTENT,
    make_route,
)
from tests.support.frames import (
    BODY,
    HEADER,
    HEARTBEAT,
    METHOD,
    ack_frame,
    content_frames,
    content_header,
    frame,
    method_frame,
    method_payload,
    property_list,
    publish_payload,
)

LIMIT = 4096
QOS = method_frame(1, commands.Basic.Qos, prefetch_count=7)


def publish(body: bytes, channel: int = 1, key: str = "jobs", **properties: object) -> bytes:
    method = frame(METHOD, channel, publish_payload("", key))
    return method + content_frames(channel, body, property_list(**properties))


def runs(found: Scan) -> list[PublishRun]:
    assert found.error is None
    return [event for event in found.events if isinstance(event, PublishRun)]


def test_nothing_comes_of_nothing() -> None:
    assert scan(b"", LIMIT) == Scan([], 0, None)


def test_like_publishes_are_one_run() -> None:
    data = publish(b"a") + publish(b"b") + publish(b"") + publish(b"long one")
    found = scan(data, LIMIT)
    (run,) = runs(found)
    assert found.consumed_bytes == len(data)
    assert (run.channel, run.method, run.flags) == (1, publish_payload(), 0)
    assert [record.body for record in run.records] == [b"a", b"b", b"", b"long one"]
    assert {record.route for record in run.records} == {make_route("", "jobs")}


@pytest.mark.skipif(COMPILED, reason="a kernel's runs hold no objects to share")
def test_messages_of_one_size_share_one_header_object() -> None:
    (run,) = runs(scan(publish(b"a") + publish(b"b") + publish(b"c"), LIMIT))
    assert all(record.header is run.records[0].header for record in run.records)


def test_another_channel_starts_another_run() -> None:
    found = scan(publish(b"a") + publish(b"x", channel=2) + publish(b"b"), LIMIT)
    assert [len(run.records) for run in runs(found)] == [1, 1, 1]


# ── bursts ──


def only_burst(data: bytes, limit: int = LIMIT) -> PublishBurst:
    found = scan(data, limit)
    assert (found.consumed_bytes, found.error) == (len(data), None)
    (event,) = found.events
    assert isinstance(event, PublishBurst)
    return event


def test_publishes_that_change_between_keys_are_one_burst() -> None:
    data = publish(b"a") + publish(b"b") + publish(b"x", key="tasks", expiration="5") + publish(b"")
    burst = only_burst(data + publish(b"y", key="others"))
    assert (burst.channel, burst.flags) == (1, HAS_EXPIRATION)
    assert burst.methods == tuple(publish_payload("", key) for key in ("jobs", "tasks", "others"))
    assert burst.order == b"\0\0\1\0\2"
    assert [record.body for record in burst.records] == [b"a", b"b", b"x", b"", b"y"]
    assert [record.routing_key for record in burst.records][2:] == ["tasks", "jobs", "others"]
    assert burst.records[2].ttl_ms == 5


def test_a_burst_in_order_is_the_runs_that_it_is_made_of() -> None:
    data = publish(b"a") + publish(b"b") + publish(b"x", key="tasks") + publish(b"c")
    found = [
        (run.channel, run.method, [record.body for record in run.records])
        for run in only_burst(data).in_order()
    ]
    jobs, tasks = publish_payload(), publish_payload("", "tasks")
    assert found == [(1, jobs, [b"a", b"b"]), (1, tasks, [b"x"]), (1, jobs, [b"c"])]


def test_a_burst_has_so_many_methods_and_another_follows() -> None:
    keys = [f"key {number}" for number in range(METHODS_PER_BURST_MAX + 2)]
    found = scan(b"".join(publish(b"x", key=key) for key in [*keys[:-2], *keys]), LIMIT)
    one, other = found.events
    assert isinstance(one, PublishBurst)
    assert isinstance(other, PublishBurst)
    assert one.methods == tuple(publish_payload("", key) for key in keys[:-2])
    assert len(one.records) == 2 * METHODS_PER_BURST_MAX
    assert [record.routing_key for record in other.records] == keys[-2:]


def test_a_long_stretch_is_an_event_of_its_own() -> None:
    long, short = publish(b"a") * STRETCH_ALONE_COUNT, publish(b"a") * (STRETCH_ALONE_COUNT - 1)
    found = scan(long + publish(b"x", key="tasks") + short, LIMIT)
    assert [type(event) for event in found.events] == [PublishRun, PublishBurst]


def test_large_bodies_are_in_no_burst() -> None:
    limit = 2 * LARGE_BODY_BYTES

    def sized(body_bytes: int) -> bytes:
        method = frame(METHOD, 1, publish_payload("", "tasks"))
        return method + content_frames(1, bytes(body_bytes), piece_bytes=limit)

    small, large = publish(b"a"), sized(LARGE_BODY_BYTES)
    assert [type(event) for event in scan((small + large) * 2, limit).events] == [PublishRun] * 4
    only_burst(small + sized(LARGE_BODY_BYTES - 1), limit)


@pytest.mark.parametrize(
    "other",
    [
        publish(b"x", key="tasks", channel=2),
        frame(METHOD, 1, publish_payload()[:9]) + content_frames(1, b"x"),
        frame(METHOD, 1, publish_payload("", "tasks")) + content_frames(1, b"xyz", piece_bytes=2),
        frame(METHOD, 1, publish_payload("", "tasks")) + frame(HEADER, 1, content_header(1)[:9]),
        frame(METHOD, 1, publish_payload("", "tasks"))
        + content_frames(1, b"x", b"\x80\x00\x09abc"),
        frame(METHOD, 1, publish_payload("", "t" * 99) + bytes(LIMIT)),
        frame(METHOD, 1, publish_payload("", "tasks"), end=b"\0") + content_frames(1, b"x"),
        QOS,
    ],
    ids=["channel", "route", "frames", "header", "property", "size", "end", "method"],
)
def test_a_burst_ends_before_what_is_no_simple_publish_of_its_channel(other: bytes) -> None:
    before = publish(b"a") + publish(b"b", key="tasks")
    found = scan(before + other + publish(b"c"), LIMIT)
    alone = scan(other + publish(b"c"), LIMIT)
    assert isinstance(found.events[0], PublishBurst)
    assert [*map(str, found.events[1:])] == [*map(str, alone.events)]
    assert str(found.error) == str(alone.error)
    assert found.consumed_bytes == len(before) + alone.consumed_bytes


def test_a_cut_message_leaves_the_burst_before_it_whole() -> None:
    data = publish(b"a") + publish(b"b", key="tasks") + publish(b"c")
    for size in range(len(publish(b"a") + publish(b"b", key="tasks")), len(data)):
        found = scan(data[:size], LIMIT)
        assert [type(event) for event in found.events] == [PublishBurst]
        assert found.consumed_bytes == len(publish(b"a") + publish(b"b", key="tasks"))


def test_what_a_queue_must_know_is_read_from_the_properties() -> None:
    data = publish(b"a") + publish(
        b"b", headers={"n": 1}, delivery_mode=2, priority=9, expiration="60000"
    )
    (run,) = runs(scan(data, LIMIT))
    plain, rich = run.records
    assert (plain.flags, plain.priority, plain.ttl_ms) == (0, 0, NO_TTL)
    assert (rich.priority, rich.ttl_ms) == (9, 60_000)
    assert rich.flags & (PERSISTENT | HAS_HEADERS | HAS_EXPIRATION) == (
        PERSISTENT | HAS_HEADERS | HAS_EXPIRATION
    )
    assert run.flags == plain.flags | rich.flags


def test_a_publish_waits_until_all_of_it_is_there() -> None:
    data = publish(b"body")
    for size in range(len(data)):
        assert scan(data[:size], LIMIT) == Scan([], 0, None)


def test_a_cut_message_leaves_the_run_before_it_whole() -> None:
    data = publish(b"a") + publish(b"b")
    found = scan(data[:-3], LIMIT)
    (run,) = runs(found)
    assert [record.body for record in run.records] == [b"a"]
    assert found.consumed_bytes == len(publish(b"a"))


def test_a_body_of_several_frames_is_passed_on_frame_by_frame() -> None:
    data = frame(METHOD, 1, publish_payload()) + content_frames(1, b"abcdef", piece_bytes=4)
    assert scan(data, LIMIT).events == [
        FrameEvent(1, METHOD, publish_payload()),
        FrameEvent(1, HEADER, content_header(6)),
        FrameEvent(1, BODY, b"abcd"),
        FrameEvent(1, BODY, b"ef"),
    ]


def test_content_that_another_channel_interrupts_is_passed_on() -> None:
    first, other = frame(METHOD, 1, publish_payload()), publish(b"x", channel=2)
    found = scan(first + other + content_frames(1, b"y"), LIMIT)
    kinds = [type(event) for event in found.events]
    assert kinds == [FrameEvent, PublishRun, FrameEvent, FrameEvent]


@pytest.mark.parametrize(
    "header",
    [
        content_header(1, class_id=50),
        content_header(1, weight=1),
        content_header(1, b"\x80\x00\x09abc"),
        content_header(1, b"\x00\x01"),
        content_header(1) + b"x",
        content_header(1)[:9],
        b"",
    ],
    ids=["class", "weight", "cut", "continued", "left over", "short", "empty"],
)
def test_a_wrong_content_header_is_left_to_the_channel(header: bytes) -> None:
    """The channel may be closed or closing: then nobody minds."""
    method = frame(METHOD, 1, publish_payload())
    data = method + frame(HEADER, 1, header) + frame(BODY, 1, b"x")
    found = scan(publish(b"a") + data, LIMIT)
    assert found.error is None
    assert found.events[1:] == [
        FrameEvent(1, METHOD, publish_payload()),
        FrameEvent(1, HEADER, header),
        FrameEvent(1, BODY, b"x"),
    ]


@pytest.mark.parametrize("cut", [4, 5, 6, 7, 12])
def test_a_publish_whose_names_do_not_fit_is_left_to_the_channel(cut: int) -> None:
    payload = publish_payload()[:cut]
    found = scan(frame(METHOD, 1, payload) + content_frames(1, b"x"), LIMIT)
    assert found.events[0] == FrameEvent(1, METHOD, payload)


class CountedBytes(bytes):
    """Counts how often the scanner compares."""

    comparisons = 0

    def startswith(self, *arguments: object) -> bool:
        type(self).comparisons += 1
        return super().startswith(*arguments)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "message",
    [
        frame(METHOD, 1, publish_payload()[:5]) + content_frames(1, b""),
        frame(METHOD, 1, publish_payload()) + frame(HEADER, 1, content_header(0, b"\x80\x00")),
        frame(METHOD, 1, publish_payload()) + frame(HEADER, 1, content_header(9)),
        publish(b""),
        publish(b"") + publish(b"", key="tasks"),
        publish(b"", channel=2) + publish(b"") + frame(METHOD, 1, publish_payload("", "tasks")),
        ack_frame(1, 7),
    ],
    ids=["no route", "bad properties", "no body", "publish", "burst", "no burst", "ack"],
)
def test_the_work_is_linear_in_the_bytes(message: bytes) -> None:
    CountedBytes.comparisons = 0
    scan(CountedBytes(message * 400), LIMIT)
    assert CountedBytes.comparisons < 400 * 8


def test_acks_that_count_up_are_one_range() -> None:
    data = b"".join(ack_frame(3, tag) for tag in (5, 6, 7))
    assert scan(data, LIMIT) == Scan([AckRange(3, 5, 7, multiple=False)], len(data), None)


@pytest.mark.parametrize(
    ("frames", "expected"),
    [
        ([ack_frame(1, 5), ack_frame(1, 7)], [(1, 5, 5, False), (1, 7, 7, False)]),
        ([ack_frame(1, 6), ack_frame(1, 5)], [(1, 6, 6, False), (1, 5, 5, False)]),
        ([ack_frame(1, 5), ack_frame(2, 6)], [(1, 5, 5, False), (2, 6, 6, False)]),
        (
            [ack_frame(1, 5), ack_frame(1, 6, multiple=True), ack_frame(1, 7)],
            [(1, 5, 5, False), (1, 6, 6, True), (1, 7, 7, False)],
        ),
        (
            [ack_frame(1, 2**64 - 1), ack_frame(1, 0)],
            [
                (
                    1,
                    2**64 - 1,
                )
                * 1
                + (2**64 - 1, False),
                (1, 0, 0, False),
            ],
        ),
    ],
    ids=["gap", "backwards", "channel", "multiple", "wrap"],
)
def test_other_acks_stand_alone(
    frames: list[bytes], expected: list[tuple[int, int, int, bool]]
) -> None:
    assert scan(b"".join(frames), LIMIT).events == expected


def test_an_ack_of_another_length_is_left_to_the_decoder() -> None:
    payload = b"\x00\x3c\x00\x50" + bytes(8)
    assert scan(frame(METHOD, 1, payload), LIMIT).events == [FrameEvent(1, METHOD, payload)]


def test_a_second_ack_with_a_wrong_end_is_refused_after_the_first() -> None:
    found = scan(ack_frame(1, 1) + ack_frame(1, 2)[:-1] + b"\x00", LIMIT)
    assert found.events == [AckRange(1, 1, 1, multiple=False)]
    assert isinstance(found.error, BrokenFramingError)


def test_heartbeats_are_taken_and_not_told() -> None:
    data = frame(HEARTBEAT, 0, b"") + QOS + frame(HEARTBEAT, 0, b"")
    found = scan(data, LIMIT)
    assert found.events == [
        FrameEvent(1, METHOD, method_payload(commands.Basic.Qos, prefetch_count=7))
    ]
    assert found.consumed_bytes == len(data)


def test_what_came_before_an_error_is_still_told() -> None:
    found = scan(QOS + publish(b"a") + frame(METHOD, 1, bytes(9), end=b"\x00"), LIMIT)
    assert [type(event) for event in found.events] == [FrameEvent, PublishRun]
    assert isinstance(found.error, BrokenFramingError)
    assert found.consumed_bytes == len(QOS + publish(b"a"))


def test_a_body_over_the_limit_within_a_publish_is_refused_as_any_frame() -> None:
    data = frame(METHOD, 1, publish_payload()) + frame(HEADER, 1, content_header(LIMIT + 1))
    found = scan(data + struct.pack(">BHI", BODY, 1, LIMIT + 1), LIMIT)
    assert [type(event) for event in found.events] == [FrameEvent, FrameEvent]
    assert isinstance(found.error, BrokenFramingError)
