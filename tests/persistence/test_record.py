"""The layout of a message: what a run shares, and what is read back out of its bytes."""

import pytest

from persistence.record import (
    HAS_PRIORITY,
    NO_TTL,
    PERSISTENT,
    RESERVED_PER_OCTET,
    OpenRecord,
    Record,
    alike_stretches,
    body_bytes,
    detached,
    kept_bytes,
    make_route,
    memory_bytes,
    parted,
    readdressed,
    uniform_run,
)

HEADER = b"\x00\x3c\x00\x00\x00\x00\x00\x00\x00\x00\x00\x03\x00\x00"


@pytest.mark.parametrize(
    ("exchange", "routing_key"),
    [("logs", "payment.error"), ("", "jobs"), ("fanout", ""), ("", ""), ("é" * 127, "k" * 255)],
)
def test_a_route_gives_back_its_exchange_and_routing_key(exchange: str, routing_key: str) -> None:
    record = Record(make_route(exchange, routing_key), HEADER, b"one")
    assert (record.exchange, record.routing_key) == (exchange, routing_key)


def test_a_route_is_the_tail_of_basic_deliver() -> None:
    assert make_route("logs", "a.b") == b"\x04logs\x03a.b"


def test_octets_that_are_no_utf_8_pass_through_a_route_unchanged() -> None:
    route = b"\x01\xff\x02\xc3\x28"
    record = Record(route, HEADER, b"")
    assert make_route(record.exchange, record.routing_key) == route


def test_a_name_longer_than_a_shortstr_is_a_bug_of_ours() -> None:
    with pytest.raises(ValueError, match="range"):
        make_route("e" * 256, "")


def test_a_record_without_properties_is_transient_without_priority_or_ttl() -> None:
    record = Record(make_route("", "jobs"), HEADER, b"one")
    assert not record.flags & PERSISTENT
    assert record.priority == 0
    assert record.ttl_ms == NO_TTL


def test_a_uniform_run_differs_in_its_bodies_alone_and_shares_the_rest() -> None:
    template = Record(make_route("", "jobs"), HEADER, b"", PERSISTENT | HAS_PRIORITY, 7, 1000)

    run = uniform_run(template, [b"one", b"two"])

    assert run == [template._replace(body=b"one"), template._replace(body=b"two")]
    assert all(isinstance(record, Record) for record in run)
    assert all(record.route is template.route for record in run)
    assert all(record.header is template.header for record in run)


def test_a_run_of_no_bodies_is_empty() -> None:
    assert uniform_run(Record(make_route("", "jobs"), HEADER, b""), []) == []


def test_body_bytes_counts_bodies_and_nothing_else() -> None:
    template = Record(make_route("", "jobs"), HEADER, b"")
    assert body_bytes(uniform_run(template, [b"one", b"", b"three"])) == 8
    assert body_bytes([]) == 0


HEAD = Record(make_route("", "jobs"), HEADER, b"", PERSISTENT | HAS_PRIORITY, 7, 1000)


@pytest.mark.parametrize("sizes", [[], [0], [1], [7, 0, 9], [100] * 50, [1] * 70])
def test_a_body_that_arrives_in_pieces_becomes_a_run_of_one(sizes: list[int]) -> None:
    pieces = [bytes([index]) * size for index, size in enumerate(sizes)]
    opened = OpenRecord(HEAD, sum(sizes))
    for index, piece in enumerate(pieces):
        opened.add(memoryview(piece) if index % 2 else piece)
    assert list(opened.finish()) == [HEAD._replace(body=b"".join(pieces))]


def test_memory_is_taken_for_what_came_and_not_for_what_was_announced() -> None:
    opened = OpenRecord(HEAD, 10_000)
    assert opened.held_bytes == 0
    came_bytes = 0
    for size in (1, 99, 400, 1, 499, 9_000):
        opened.add(bytes(size))
        came_bytes += size
        assert came_bytes <= opened.held_bytes <= RESERVED_PER_OCTET * came_bytes
    assert opened.held_bytes == opened.size_bytes == came_bytes


def test_more_than_was_announced_is_a_bug_of_ours() -> None:
    opened = OpenRecord(HEAD, 3)
    opened.add(b"ab")
    with pytest.raises(AssertionError, match="as long as announced"):
        opened.add(b"cd")


def test_a_run_is_parted_in_order_and_a_message_may_go_to_many_parts_or_none() -> None:
    run = [Record(make_route("", "jobs"), HEADER, bytes((65 + at,))) for at in range(5)]

    parts = parted(run, b"\0\1\2\1\0", [(0,), (2, 0), ()], 3)

    bodies = [b"".join(record.body for record in part) for part in parts]
    assert bodies == [b"ABDE", b"", b"BD"]
    assert list(parts[2]) == [run[1], run[3]]


@pytest.mark.parametrize("order", [b"\0", b"\0\0\0"])
def test_a_run_and_its_order_are_as_long(order: bytes) -> None:
    run = [Record(make_route("", "jobs"), HEADER, b"one")] * 2
    with pytest.raises(ValueError):  # noqa: PT011 -- the builds word it differently
        parted(run, order, [(0,)], 1)


def header_of(size: int, properties: bytes) -> bytes:
    return b"\0\x3c\0\0" + size.to_bytes(8) + properties


def test_messages_alike_are_found_whatever_the_size_of_their_bodies() -> None:
    shapes = [(b"a", b"p"), (b"a", b"p"), (b"a", b"q"), (b"b", b"q"), (b"b", b"qq")]
    run = [
        Record(make_route("", key.decode()), header_of(size, properties), bytes(size))
        for size, (key, properties) in enumerate(shapes)
    ]
    assert alike_stretches(run) == [(0, 2), (2, 3), (3, 4), (4, 5)]
    assert alike_stretches(run[:0]) == []


def test_readdressed_messages_keep_body_size_and_priority_and_never_expire() -> None:
    run = [
        Record(make_route("", "jobs"), header_of(size, b"old"), bytes(size), 0, size % 256, 1000)
        for size in (1, 300)
    ]
    header = header_of(7, b"the new properties")
    again = readdressed(run, make_route("dlx", "k"), header, PERSISTENT)
    assert list(again) == [
        Record(
            make_route("dlx", "k"),
            header_of(size, b"the new properties"),
            bytes(size),
            PERSISTENT,
            size % 256,
            NO_TTL,
        )
        for size in (1, 300)
    ]


def test_detached_messages_are_the_same() -> None:
    run = [Record(make_route("", "jobs"), HEADER, b"one", PERSISTENT, 3, 1000)] * 2
    assert list(detached(run)) == run
    assert list(detached(run[:0])) == []


def test_detached_messages_keep_no_others_in_memory() -> None:
    run = detached([Record(make_route("", "jobs"), HEADER, bytes(1_000))] * 50)
    one = run[:1]
    assert memory_bytes(one) * 50 == memory_bytes(run)
    assert kept_bytes(one) in {memory_bytes(one), memory_bytes(run)}, "the twin shares nothing"
    assert kept_bytes(detached(one)) < 2 * memory_bytes(one)
