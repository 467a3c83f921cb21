"""The header that a kind of queue adds to its deliveries."""

from amqp_server.broker.messages.delivery_header import with_delivery_header
from amqp_server.wire.properties import split
from amqp_server.wire.tables import Field
from persistence.record import HAS_HEADERS, Record, make_route
from queues.batch import Batch
from queues.kinds import DeliveryHeader
from tests.support.frames import content_header, property_list

ROUTE = make_route("", "jobs")
COUNT = DeliveryHeader("x-delivery-count", lambda batch: batch.delivery_count, omits_zero=True)
OFFSET = DeliveryHeader("x-offset", lambda batch: batch.positions)


def with_count(record: Record, delivery_count: int, *, is_got: bool = False) -> Record:
    batch = Batch(range(1), [record], delivery_count=delivery_count)
    (changed,) = with_delivery_header(COUNT, batch, is_got=is_got)
    return changed


def test_the_header_is_added_and_all_else_stays() -> None:
    header = content_header(1, property_list(content_type="text/plain", priority=3))
    record = Record(ROUTE, header, b"x", 1 << 15 | 1 << 11, 3)
    changed = with_count(record, 2)
    properties = split(changed.header)
    assert properties.headers() == {"x-delivery-count": Field("l", 2)}
    assert properties.text("content_type") == "text/plain"
    assert changed == record._replace(header=changed.header, flags=record.flags | HAS_HEADERS)
    assert record.header is header


def test_an_older_count_is_replaced_among_other_headers() -> None:
    headers = {"x-delivery-count": 7, "mine": "kept"}
    record = Record(ROUTE, content_header(0, property_list(headers=headers)), b"", HAS_HEADERS)
    changed = with_count(record, 8)
    found = split(changed.header).headers()
    assert found == {"x-delivery-count": Field("l", 8), "mine": Field("S", b"kept")}


def test_headers_that_cannot_be_read_do_not_stop_a_delivery() -> None:
    broken = property_list(headers=b"\x00\x00\x00\x01\x09")
    record = Record(ROUTE, content_header(0, broken), b"", HAS_HEADERS)
    changed = with_count(record, 1)
    assert split(changed.header).headers() == {"x-delivery-count": Field("l", 1)}


def test_a_zero_is_left_out_for_a_consumer_and_told_to_a_get() -> None:
    record = Record(ROUTE, content_header(0, property_list()), b"", 0)
    assert with_count(record, 0) == record
    got = with_count(record, 0, is_got=True)
    assert split(got.header).headers() == {"x-delivery-count": Field("l", 0)}


def test_each_message_can_have_a_value_of_its_own() -> None:
    records = [Record(ROUTE, content_header(0, property_list()), b"", 0)] * 3
    changed = with_delivery_header(OFFSET, Batch(range(0, 6, 2), records))
    offsets = [split(record.header).headers()["x-offset"].value for record in changed]
    assert offsets == [0, 2, 4]
