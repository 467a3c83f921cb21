"""A consumer's place is read from what it was shown."""

from typing import Any

import pytest

from cluster.fronts.followed_handle import FollowedHandle, offset_of
from persistence.record import Record
from queues.batch import Batch
from queues.consumer_port import ConsumerHandle
from queues.offset_spec import FIRST, NEXT, OffsetKind, OffsetSpec
from queues.stream.from_amqp10 import Wanted, read_messages
from queues.stream.to_amqp10 import append_messages
from tests.support.consumer import FakeConsumer
from tests.support.frames import property_list
from tests.support.stream_messages import record_of

OFFSET = "x-stream-offset"


def delivered(offset: int, **properties: Any) -> Record:  # noqa: ANN401 - of pamqp
    entries = bytearray()
    append_messages(entries, [record_of(property_list(**properties), b"body")])
    wanted = Wanted(offset, 1, 1 << 20)
    return read_messages(bytes(entries), 0, offset, b"q", wanted).run[0]


@pytest.mark.parametrize(
    "properties",
    [
        {},
        {"content_type": "text/plain"},
        {"content_encoding": "gzip", "delivery_mode": 2},
        {"content_type": "a", "content_encoding": "b" * 200, "message_id": "m"},
        {"headers": {"x-stream-offset": 9, "k": "x-stream-offset"}, "content_type": ""},
    ],
)
def test_the_offset_of_a_message_is_in_its_first_header(properties: dict[str, Any]) -> None:
    for offset in (0, 7, 2**62):
        assert offset_of(delivered(offset, **properties)) == offset


def followed(arguments: dict[str, object]) -> tuple[FollowedHandle, FakeConsumer, list[object]]:
    consumer, gone = FakeConsumer(), list[object]()
    consumer.arguments = arguments
    handle: ConsumerHandle = consumer
    return FollowedHandle(handle, gone.append), consumer, gone


def test_a_later_leader_is_told_where_to_go_on() -> None:
    handle, consumer, _ = followed({OFFSET: FIRST, "x-stream-filter": "a"})
    assert handle.arguments == consumer.arguments
    handle.began_at(-1)
    assert handle.arguments[OFFSET] == FIRST
    handle.began_at(3)
    handle.began_at(1)
    assert handle.arguments[OFFSET] == OffsetSpec(OffsetKind.OFFSET, 3)
    handle.deliver(Batch(range(2), [delivered(3), delivered(7)]))
    assert handle.arguments == {
        OFFSET: OffsetSpec(OffsetKind.OFFSET, 8),
        "x-stream-filter": "a",
    }
    assert consumer.bodies == [b"body", b"body"]


@pytest.mark.parametrize(
    "stored_by", [{"x-stream-group": "g"}, {"x-stream-automatic-offset-tracking": True}]
)
def test_one_whose_offset_is_stored_has_the_place_where_it_began(
    stored_by: dict[str, object],
) -> None:
    handle, consumer, _ = followed({OFFSET: NEXT, **stored_by})
    assert handle.arguments == consumer.arguments
    handle.deliver(Batch(range(2), [delivered(3), delivered(4)]))
    handle.deliver(Batch(range(2, 3), [delivered(5)]))
    assert handle.arguments == {OFFSET: OffsetSpec(OffsetKind.OFFSET, 3), **stored_by}


def test_the_rest_is_the_channels() -> None:
    handle, consumer, gone = followed({})
    handle.is_blocked = True
    assert (consumer.is_blocked, handle.is_blocked) == (True, True)
    assert (handle.consumer_tag, handle.lane) == (consumer.consumer_tag, consumer.lane)
    assert handle.shares_credit == consumer.shares_credit
    handle.deliver_in_turn([handle], Batch(range(1), [delivered(3)]))
    handle.cancelled()
    assert (consumer.is_cancelled, gone) == (True, [consumer])
