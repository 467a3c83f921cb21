"""The message that the firehose makes of a message."""

from amqp_server.broker.tracing.traced import (
    Actor,
    Place,
    is_trace,
    trace_of_delivery,
    trace_of_publish,
)
from persistence.record import Record, make_route
from tests.support.frames import content_header
from tests.support.vhosts import headers_of, message, plain_headers

ACTOR = Actor("a -> b", 7, "guest")
PLACE = Place("/", "node@host")


def test_a_trace_says_what_was_published_where_and_by_whom() -> None:
    record = message(b"body", "logs", "k", headers={"a": 1}, priority=3, message_id="m")
    trace = trace_of_publish(record, ("k", "l"), ["q1", "q2"], ACTOR, PLACE)
    assert (trace.exchange, trace.routing_key, trace.body) == (
        "amq.rabbitmq.trace",
        "publish.logs",
        b"body",
    )
    assert plain_headers(trace) == {
        "exchange_name": "logs",
        "routing_keys": ["k", "l"],
        "properties": {"message_id": "m", "priority": 3, "headers": {"a": 1}},
        "node": "node@host",
        "vhost": "/",
        "connection": "a -> b",
        "channel": 7,
        "user": "guest",
        "routed_queues": ["q1", "q2"],
    }
    assert headers_of(trace)["channel"].kind == "I"


def test_a_delivery_says_whether_it_is_one_again_and_which_copies_there_are() -> None:
    record = message(b"", "", "jobs", headers={"CC": ["other"]})
    trace = trace_of_delivery(record, "jobs", ACTOR, PLACE, redelivered=True)
    headers = plain_headers(trace)
    assert trace.routing_key == "deliver.jobs"
    assert (headers["redelivered"], headers["routing_keys"]) == (1, ["jobs", "other"])
    assert "routed_queues" not in headers


def test_names_as_long_as_a_key_are_cut() -> None:
    trace = trace_of_publish(message(b"", "x" * 255, "k"), ("k",), [], ACTOR, PLACE)
    assert trace.routing_key == "publish." + "x" * 247


def test_times_that_no_signedint_holds_stay_what_they_are() -> None:
    late = message(b"", timestamp=2**40)
    soon = message(b"", timestamp=5)
    kinds = [
        headers_of(trace_of_publish(one, ("k",), [], ACTOR, PLACE))["properties"].value
        for one in (late, soon)
    ]
    assert str(kinds[0]) == "{'timestamp': Field(kind='T', value=1099511627776)}"
    assert str(kinds[1]) == "{'timestamp': Field(kind='I', value=5)}"


def test_headers_that_nobody_can_read_are_left_out() -> None:
    broken = content_header(0, b"\x20\x00\x00\x00\x00\x02\xff\xff")
    record = Record(make_route("", "jobs"), broken, b"")
    assert plain_headers(trace_of_publish(record, ("jobs",), [], ACTOR, PLACE))["properties"] == {}


def test_a_trace_is_known_by_its_exchange() -> None:
    trace = trace_of_publish(message(b""), ("k",), [], ACTOR, PLACE)
    assert is_trace(trace)
    assert not is_trace(message(b"", "amq.rabbitmq.tracer"))
