"""Property lists: skipped, taken apart, put together again; against pamqp."""

from datetime import UTC, datetime

import pytest
from pamqp import commands
from pamqp import header as pamqp_header

from amqp_server.wire.errors import MethodSyntaxError
from amqp_server.wire.properties import (
    PLAIN,
    PROPERTIES,
    Traits,
    plain_headers,
    plain_properties,
    priority_of,
    split,
    traits_of,
)
from amqp_server.wire.tables import Field
from persistence.record import (
    HAS_EXPIRATION,
    HAS_HEADERS,
    HAS_PRIORITY,
    HAS_REPLY_TO,
    HAS_USER_ID,
    NEEDS_LOOK,
    NO_TTL,
    PERSISTENT,
)
from tests.support.frames import PROPERTY_NAMES, content_header, property_list

EVERY: dict[str, object] = {
    "content_type": "text/plain",
    "content_encoding": "gzip",
    "headers": {"a": 1, "b": ["x"]},
    "delivery_mode": 2,
    "priority": 5,
    "correlation_id": "c",
    "reply_to": "r",
    "expiration": "60000",
    "message_id": "m",
    "timestamp": 1_700_000_000,
    "type": "t",
    "user_id": "guest",
    "app_id": "app",
    "cluster_id": "cluster",
}
FULL = content_header(7, property_list(**EVERY))


def test_the_names_and_their_order_are_the_specifications() -> None:
    assert tuple(name for name, _, _ in PROPERTIES) == PROPERTY_NAMES
    assert [bit for _, bit, _ in PROPERTIES] == list(range(15, 1, -1))


def test_every_property_is_found_as_it_stood_on_the_wire() -> None:
    properties = split(FULL)
    assert properties.body_size_bytes == 7
    assert set(properties.raw) == set(PROPERTY_NAMES)
    assert properties.encode() == FULL
    assert properties.headers()["a"] == Field("l", 1)
    texts = {name: properties.text(name) for name, _, kind in PROPERTIES if kind == "shortstr"}
    assert texts == {name: EVERY[name] for name in texts}


def test_we_read_what_pamqp_writes() -> None:
    given = commands.Basic.Properties(
        content_type="text/plain",
        headers={"n": 1},
        delivery_mode=2,
        priority=3,
        expiration="10",
        timestamp=datetime.fromtimestamp(1_700_000_000, UTC),
        app_id="app",
    )
    octets = pamqp_header.ContentHeader(body_size=5, properties=given).marshal()
    properties = split(octets)
    assert properties.encode() == octets
    assert (properties.text("expiration"), properties.text("app_id")) == ("10", "app")


@pytest.mark.parametrize("name", PROPERTY_NAMES)
def test_one_property_alone_is_found(name: str) -> None:
    header = content_header(0, property_list(**{name: EVERY[name]}))
    properties = split(header)
    assert list(properties.raw) == [name]
    assert properties.encode() == header


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, PLAIN),
        ({"delivery_mode": 1}, Traits(1 << 12, 0, NO_TTL)),
        ({"delivery_mode": 2}, Traits(1 << 12 | PERSISTENT, 0, NO_TTL)),
        ({"priority": 255}, Traits(HAS_PRIORITY, 255, NO_TTL)),
        ({"expiration": "0"}, Traits(HAS_EXPIRATION, 0, 0)),
        ({"expiration": "9" * 11}, Traits(HAS_EXPIRATION, 0, 10**11 - 1)),
        ({"expiration": "1" + "0" * 11}, Traits(HAS_EXPIRATION | NEEDS_LOOK, 0, NO_TTL)),
        ({"expiration": "+12"}, Traits(HAS_EXPIRATION | NEEDS_LOOK, 0, NO_TTL)),
        ({"expiration": "soon"}, Traits(HAS_EXPIRATION | NEEDS_LOOK, 0, NO_TTL)),
        ({"expiration": "-1"}, Traits(HAS_EXPIRATION | NEEDS_LOOK, 0, NO_TTL)),
        ({"expiration": b"\xb2"}, Traits(HAS_EXPIRATION | NEEDS_LOOK, 0, NO_TTL)),
        ({"user_id": "guest"}, Traits(HAS_USER_ID | NEEDS_LOOK, 0, NO_TTL)),
        ({"reply_to": "amq.rabbitmq.reply-to"}, Traits(HAS_REPLY_TO | NEEDS_LOOK, 0, NO_TTL)),
        ({"reply_to": "amq.rabbitmq.reply-tu"}, Traits(HAS_REPLY_TO, 0, NO_TTL)),
        ({"headers": {"CC": None}}, Traits(HAS_HEADERS | NEEDS_LOOK, 0, NO_TTL)),
        ({"headers": {"BCC": None}}, Traits(HAS_HEADERS | NEEDS_LOOK, 0, NO_TTL)),
        ({"headers": {}}, Traits(HAS_HEADERS, 0, NO_TTL)),
    ],
)
def test_traits_are_what_a_queue_must_know(given: dict[str, object], expected: Traits) -> None:
    assert traits_of(content_header(1, property_list(**given))) == expected


@pytest.mark.parametrize("size", range(14, len(FULL)))
def test_a_list_cut_anywhere_is_refused(size: int) -> None:
    with pytest.raises(MethodSyntaxError, match="is cut short"):
        split(FULL[:size])


@pytest.mark.parametrize("size", range(14))
def test_a_header_without_its_fixed_part_is_refused(size: int) -> None:
    with pytest.raises(MethodSyntaxError, match="content header is cut short"):
        traits_of(FULL[:size])


@pytest.mark.parametrize("properties", [b"\x00\x00x", property_list(priority=1) + b"x"])
def test_bytes_after_the_last_property_are_refused(properties: bytes) -> None:
    with pytest.raises(MethodSyntaxError, match="bytes follow"):
        traits_of(content_header(0, properties))


def test_continued_flags_are_refused_however_many_follow() -> None:
    with pytest.raises(MethodSyntaxError, match="continued"):
        traits_of(content_header(0, b"\x00\x01" * 1000))


def test_a_property_is_replaced_and_the_others_stay() -> None:
    properties = split(FULL)
    properties.set_text("reply_to", "elsewhere")
    properties.set_headers({"new": Field("t", value=True)})
    changed = split(properties.encode())
    assert changed.text("reply_to") == "elsewhere"
    assert changed.headers() == {"new": Field("t", value=True)}
    kept = set(PROPERTY_NAMES) - {"reply_to", "headers"}
    original = split(FULL)
    assert {name: changed.raw[name] for name in kept} == {name: original.raw[name] for name in kept}


def test_headers_are_found_behind_what_comes_before_them() -> None:
    for before in ({}, {"content_type": "t"}, {"content_encoding": "e", "content_type": "text"}):
        header = content_header(0, property_list(**before, headers={"n": 1, "s": "x"}))
        assert plain_headers(header) == {"n": 1, "s": "x"}
    assert plain_headers(content_header(0, property_list(content_type="t"))) is None


def test_a_text_that_is_not_utf8_comes_back_as_it_was() -> None:
    properties = split(content_header(0, property_list(reply_to=b"\xff")))
    assert properties.text("reply_to") == "\udcff"
    properties.set_text("reply_to", "\udcff")
    assert properties.raw["reply_to"] == b"\x01\xff"


def test_headers_that_are_no_table_are_refused_when_read() -> None:
    header = content_header(0, property_list(headers=b"\x00\x00\x00\x02ab"))
    assert traits_of(header).flags & HAS_HEADERS
    with pytest.raises(MethodSyntaxError):
        split(header).headers()


def test_properties_are_text_or_numbers_and_headers_are_left_out() -> None:
    properties = property_list(
        content_type="t",
        headers={"h": 1},
        delivery_mode=2,
        correlation_id=b"\xff",
        message_id="m",
        timestamp=1_700_000_000,
    )
    assert plain_properties(content_header(0, properties)) == {
        "content_type": "t",
        "delivery_mode": 2,
        "correlation_id": "\udcff",
        "message_id": "m",
        "timestamp": 1_700_000_000,
    }
    assert plain_properties(content_header(0, property_list())) == {}


@pytest.mark.parametrize("before", [{}, {"content_type": "t"}, {"headers": {"a": 1}}])
@pytest.mark.parametrize("priority", [None, 0, 7, 255])
def test_the_priority_is_found_behind_what_comes_before_it(
    before: dict[str, object], priority: int | None
) -> None:
    given = before if priority is None else {**before, "priority": priority}
    header = content_header(3, property_list(**given, delivery_mode=2, message_id="m"))
    assert priority_of(header) == (priority or 0)
