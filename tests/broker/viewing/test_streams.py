"""Views of clients of the stream protocol: in pages, across connections."""

import pytest

from amqp_server.broker.errors import NotFoundError
from amqp_server.stream_protocol.fields import U64, string
from amqp_server.stream_protocol.keys import CommandKey
from tests.support.desk import Desk
from tests.support.stream_peer import StreamPeer


def test_pages_show_everything_once() -> None:
    desk = Desk()
    first = StreamPeer.open(desk.node)
    first.create("s")
    desk.node.open()
    second = StreamPeer.open(desk.node)
    for peer in (first, second):
        for number in (2, 0, 1):
            peer.declare_publisher("s", number)
            peer.subscribe("s", number)
            peer.receive()
    shown = []
    cursor = None
    while True:
        page = desk.views.stream_publishers(cursor, 2)
        assert len(page.items) <= 2
        shown += [(each.connection_number, each.publisher_id) for each in page.items]
        cursor = page.cursor
        if cursor is None:
            break
    assert shown == [(number, each) for number in (1, 3) for each in (0, 1, 2)]
    whole = desk.views.stream_consumers()
    assert [each.subscription_id for each in whole.items] == [0, 1, 2, 0, 1, 2]
    assert whole.cursor is None
    part = desk.views.stream_consumers((1, 1), 3)
    assert [(each.connection_number, each.subscription_id) for each in part.items] == [
        (1, 2),
        (3, 0),
        (3, 1),
    ]
    assert part.cursor == (3, 1)
    second.connection.lose(desk.node.now_ms)
    assert len(desk.views.stream_publishers().items) == 3


def test_tracking_is_what_a_stream_keeps_by_reference() -> None:
    desk = Desk()
    peer = StreamPeer.open(desk.node)
    peer.create("s")
    peer.send(CommandKey.STORE_OFFSET, string("reader"), string("s"), U64.pack(7))
    tracking = desk.views.stream_tracking("/", "s")
    assert tracking is not None
    assert (tracking.offsets, tracking.publishing_ids) == ({"reader": 7}, {})
    desk.node.open().declare("jobs")
    assert desk.views.stream_tracking("/", "jobs") is None
    with pytest.raises(NotFoundError):
        desk.views.stream_tracking("/", "nope")


def test_a_reader_that_is_behind_has_a_lag() -> None:
    desk = Desk()
    peer = StreamPeer.open(desk.node)
    peer.create("s")
    peer.declare_publisher("s")
    peer.subscribe("s", credit=1)
    for number in range(3):
        peer.publish(1, (number, b"message"))
    peer.receive()
    (view,) = desk.views.stream_consumers().items
    assert (view.credit, view.consumed, view.offset, view.lag) == (0, 1, 0, 2)
