"""Frames of deliveries, get-ok and returns, read back by a decoder of our own and by pamqp."""

from collections.abc import Callable

import pytest
from pamqp import commands
from pamqp import frame as pamqp_frame

from amqp_server.wire.content import (
    HeaderTooLargeError,
    deliver_prefix,
    render_confirm,
    render_dealt,
    render_deliveries,
    render_get_ok,
    render_large_deliveries,
    render_return,
)
from persistence.record import LARGE_BODY_BYTES, Record, make_route
from tests.support.frames import content_header, property_list
from tests.support.peer import Received, decode

ROUTE = make_route("logs", "a.b")


def message(body: bytes, properties: bytes = b"\x00\x00", route: bytes = ROUTE) -> Record:
    return Record(route, content_header(len(body), properties), body)


def deliveries(
    run: list[Record], payload_max_bytes: int = 4088, *, redelivered: bool = False
) -> list[Received]:
    octets = render_deliveries(
        2, deliver_prefix("me"), 7, run, payload_max_bytes, redelivered=redelivered
    )
    return decode(octets)


def test_a_run_is_delivered_under_tags_that_count_up() -> None:
    run = [message(b"one"), message(b"two"), message(b""), message(b"three")]
    found = deliveries(run)
    assert [one.body for one in found] == [b"one", b"two", b"", b"three"]
    for tag, one in enumerate(found, start=7):
        method = one.method
        assert isinstance(method, commands.Basic.Deliver)
        assert (one.channel, method.consumer_tag, method.delivery_tag) == (2, "me", tag)
        assert (method.exchange, method.routing_key, method.redelivered) == ("logs", "a.b", False)


def test_every_message_keeps_its_own_route_and_header() -> None:
    properties = property_list(content_type="text/plain", headers={"n": 1}, delivery_mode=2)
    run = [
        message(b"aa"),
        message(b"bb", properties),
        message(b"cc", properties, make_route("", "q")),
        message(b"dd"),
    ]
    found = deliveries(run)
    assert [one.header for one in found] == [record.header for record in run]
    routes = [
        (one.method.exchange, one.method.routing_key)
        for one in found
        if isinstance(one.method, commands.Basic.Deliver)
    ]
    assert routes == [("logs", "a.b"), ("logs", "a.b"), ("", "q"), ("logs", "a.b")]


def test_equal_headers_that_are_not_one_object_make_no_difference() -> None:
    header = content_header(1)
    run = [Record(ROUTE, header, b"a"), Record(ROUTE, bytes(bytearray(header)), b"b")]
    assert [one.body for one in deliveries(run)] == [b"a", b"b"]


def test_a_redelivery_says_so() -> None:
    (one,) = deliveries([message(b"x")], redelivered=True)
    assert isinstance(one.method, commands.Basic.Deliver)
    assert one.method.redelivered is True


@pytest.mark.parametrize("payload_max_bytes", [14, 4088])
def test_what_goes_to_several_in_turn_is_what_each_alone_would_get(payload_max_bytes: int) -> None:
    run = [message(b"x" * size, route=make_route("logs", "k" * size)) for size in (0, 1, 2, 90, 3)]
    prefixes = [deliver_prefix(tag) for tag in ("me", "you", "somebody else")]
    for redelivered in (True, False):
        octets = render_dealt(2, prefixes, 7, run, payload_max_bytes, redelivered=redelivered)
        alone = [
            render_deliveries(
                2, prefixes[at % 3], 7 + at, [one], payload_max_bytes, redelivered=redelivered
            )
            for at, one in enumerate(run)
        ]
        assert octets == b"".join(alone)


@pytest.mark.parametrize(("size", "frames"), [(0, 0), (1, 1), (16, 1), (17, 2), (32, 2), (33, 3)])
def test_bodies_are_split_where_a_frame_is_full(size: int, frames: int) -> None:
    body = bytes(range(size))
    octets = render_deliveries(1, deliver_prefix("me"), 1, [message(body)], 16, redelivered=False)
    assert decode(octets)[0].body == body
    kinds = []
    while octets:
        consumed, _, found = pamqp_frame.unmarshal(octets)
        kinds.append(found.name)
        octets = octets[consumed:]
    assert kinds == ["Basic.Deliver", "ContentHeader", *["ContentBody"] * frames]


def test_small_and_large_bodies_mix_in_one_run() -> None:
    bodies = [b"x" * 20, b"y", b"z" * 20, b"", b"w" * 16]
    assert [one.body for one in deliveries([message(body) for body in bodies], 16)] == bodies


def in_pieces(run: list[Record], payload_max_bytes: int) -> list[bytes | memoryview]:
    return render_large_deliveries(
        2, deliver_prefix("me"), 7, run, payload_max_bytes, redelivered=False
    )


LARGE = LARGE_BODY_BYTES


@pytest.mark.parametrize(
    ("sizes", "payload_max_bytes"),
    [
        ([LARGE], 4 * LARGE),
        ([5, LARGE, 0, LARGE - 1, LARGE + 1, 7], 4 * LARGE),
        ([3 * LARGE, 3 * LARGE + 9, 2 * LARGE - 1], LARGE),
        ([3 * LARGE], LARGE - 1),
        ([1, 0, 2], 4088),
    ],
)
def test_pieces_are_the_same_octets(sizes: list[int], payload_max_bytes: int) -> None:
    run = [message(bytes([index + 1]) * size) for index, size in enumerate(sizes)]
    octets = render_deliveries(
        2, deliver_prefix("me"), 7, run, payload_max_bytes, redelivered=False
    )
    assert b"".join(in_pieces(run, payload_max_bytes)) == octets


def test_each_large_payload_is_a_piece_of_its_own() -> None:
    sizes = [9, 2 * LARGE + 5, LARGE - 999, LARGE]
    chunks = in_pieces([message(bytes(size)) for size in sizes], LARGE)
    assert [len(chunk) for chunk in chunks if len(chunk) >= LARGE] == [LARGE] * 3
    assert len(chunks) == 7


def test_a_piece_outlives_its_messages_and_cannot_be_written_to() -> None:
    run = [message(b"x" * LARGE)]
    piece = memoryview(in_pieces(run, LARGE)[1])
    del run
    assert piece.readonly
    assert bytes(piece) == b"x" * LARGE


def test_get_ok_says_what_is_left() -> None:
    octets = render_get_ok(1, 3, message(b"body"), 2, 41, redelivered=True)
    (one,) = decode(octets)
    method = one.method
    assert isinstance(method, commands.Basic.GetOk)
    assert (method.delivery_tag, method.redelivered, method.message_count) == (3, True, 41)
    assert (method.exchange, method.routing_key) == ("logs", "a.b")
    assert one.body == b"body"


def test_a_return_says_why() -> None:
    (one,) = decode(render_return(1, 312, "NO_ROUTE", message(b"body"), 4088))
    method = one.method
    assert isinstance(method, commands.Basic.Return)
    assert (method.reply_code, method.reply_text) == (312, "NO_ROUTE")
    assert (method.exchange, method.routing_key, one.body) == ("logs", "a.b", b"body")


def test_the_longest_names_fit() -> None:
    longest = "é" * 127 + "x"
    run = [message(b"x", route=make_route(longest, longest))]
    octets = render_deliveries(1, deliver_prefix(longest), 1, run, 4088, redelivered=False)
    (one,) = decode(octets)
    assert isinstance(one.method, commands.Basic.Deliver)
    assert one.method.consumer_tag == one.method.exchange == one.method.routing_key == longest


@pytest.mark.parametrize(("multiple", "rejected"), [(False, False), (True, False), (True, True)])
def test_a_confirm_is_what_pamqp_writes(multiple: bool, rejected: bool) -> None:
    kind = commands.Basic.Nack if rejected else commands.Basic.Ack
    given = {"requeue": False} if rejected else {}
    expected = pamqp_frame.marshal(kind(2**40, multiple, **given), 7)
    assert render_confirm(7, 2**40, multiple=multiple, rejected=rejected) == expected


@pytest.mark.parametrize("render", [render_deliveries, render_large_deliveries, render_dealt])
def test_a_header_that_does_not_fit_into_a_frame_is_not_written(
    render: Callable[..., object],
) -> None:
    run = [message(b"x"), message(b"y", property_list(headers={"n": "z" * 100})), message(b"x")]
    prefix = deliver_prefix("me")
    first = [prefix] if render is render_dealt else prefix
    size_bytes = len(run[1].header)
    render(1, first, 1, run, size_bytes, redelivered=False)
    with pytest.raises(HeaderTooLargeError):
        render(1, first, 1, run, size_bytes - 1, redelivered=False)
