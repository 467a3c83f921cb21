"""Properties as plain values, of messages that clients sent."""

from amqp_server.broker.messages.shown import shown_properties
from amqp_server.wire.properties import Properties
from amqp_server.wire.tables import Field, encode_shortstr, encode_table


def header(**raw: bytes) -> bytes:
    return Properties(0, raw).encode()


def test_types_that_json_does_not_have_stay_apart() -> None:
    table = {
        "void": Field("V", None),
        "bytes": Field("x", b"\xff"),
        "decimal": Field("D", (2, 1234)),
        "text": Field("S", b"\xff"),
    }
    shown = shown_properties(header(headers=encode_table(table), type=encode_shortstr("\udcff")))
    headers = {"void": None, "bytes": b"\xff", "decimal": (2, 1234), "text": "\udcff"}
    assert shown == {"headers": headers, "type": "\udcff"}


def test_headers_that_cannot_be_decoded_are_left_out() -> None:
    assert shown_properties(header(headers=b"\0\0\0\1x", priority=b"\5")) == {"priority": 5}
