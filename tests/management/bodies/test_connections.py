"""A connection as an object."""

from amqp_server.broker.views import ConnectionView
from management.bodies.connections import bare_connection_body, channel_name, connection_body
from management.lists.ranges import NO_RANGES
from management.samples.details import Looks

VIEW = ConnectionView(
    "a -> b",
    "/",
    "guest",
    "AMQP 0-9-1",
    "::1",
    5672,
    "::1",
    40000,
    None,
    None,
    None,
    None,
    None,
    60,
    1,
    10,
    1,
    20,
    2,
    opened_at_ms=5,
    client_properties={"connection_name": "me", "x": b"\xff"},
)


def test_names_of_the_client_are_shown() -> None:
    body = connection_body(VIEW, "n", 1_000, None, Looks(), NO_RANGES)
    assert body["user_provided_name"] == "me"
    assert body["client_properties"]["x"] == "Not UTF-8, base64 is: /w=="
    assert (body["connected_at"], body["ssl"], body["send_oct"]) == (1_005, False, 20)
    assert channel_name(VIEW, 3) == "a -> b (3)"
    assert bare_connection_body(VIEW, "n")["node"] == "n"
