"""What a shovel changes in the properties of messages."""

from amqp_server.broker.shovels.definition import read_shovel
from amqp_server.shovels.headers import Headers
from amqp_server.wire.properties import split
from amqp_server.wire.tables import plain
from tests.support.frames import content_header
from tests.support.vhosts import message

VALUE = {
    "src-uri": "amqp://u:p@a",
    "src-queue": "q",
    "dest-uri": "amqp://b",
    "dest-exchange": "e",
}


def headers(**more: object) -> Headers:
    value = {**VALUE, **{key.replace("_", "-"): each for key, each in more.items()}}
    return Headers(read_shovel("/", "s", value), "node@host")


def test_a_header_that_need_not_change_stays_octet_for_octet() -> None:
    header = message(b"x", headers={"a": 1}, priority=3).header
    assert headers().of(header, 5) is header


def test_properties_replace_those_of_the_message() -> None:
    made = headers(publish_properties={"priority": 7, "headers": {"b": 2}})
    found = split(made.of(message(b"x", headers={"a": 1, "b": 1}, priority=3).header, 5))
    assert found.raw["priority"] == b"\x07"
    assert {key: plain(each) for key, each in found.headers().items()} == {"a": 1, "b": 2}


def test_forward_headers_are_a_list_newest_first() -> None:
    made = headers(add_forward_headers=True, add_timestamp_header=True)
    once = made.of(message(b"x").header, 5)
    found = {key: plain(each) for key, each in split(made.of(once, 6)).headers().items()}
    note = {
        "shovelled-by": "node@host",
        "shovel-type": "dynamic",
        "shovel-name": "s",
        "shovel-vhost": "/",
        "src-uri": "amqp://a",
        "dest-uri": "amqp://b",
        "src-queue": "q",
        "dest-exchange": "e",
    }
    assert found == {"x-shovelled": [note, note], "x-shovelled-timestamp": 6}


def test_headers_that_nobody_can_read_stay_as_they_are() -> None:
    broken = content_header(0, b"\x20\x00\x00\x00\x00\x02\xff\xff")
    assert headers(add_forward_headers=True).of(broken, 5) == broken
