"""Another message has another fingerprint."""

from amqp_server.broker.messages.fingerprint import BODY_BYTES_MAX, fingerprint
from persistence.record import make_route
from tests.support.records import record


def test_each_part_of_a_message_counts() -> None:
    one = record(b"body")
    others = [
        one,
        one._replace(body=b"bod"),
        one._replace(body=b"bodz"),
        one._replace(route=make_route("x", "k")),
        one._replace(header=one.header + b"\0"),
        one._replace(header=one.header + b"b", body=b"ody"),
    ]
    marks = [fingerprint(each) for each in others]
    assert len(set(marks)) == len(others)
    assert {len(mark) for mark in marks} == {24}


def test_of_a_long_body_the_beginning_and_the_size_count() -> None:
    long = bytes(BODY_BYTES_MAX)
    assert fingerprint(record(long + b"a")) == fingerprint(record(long + b"b"))
    assert fingerprint(record(long + b"a")) != fingerprint(record(long + b"aa"))
