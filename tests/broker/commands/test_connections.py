"""Commands on connections: the client hears why it is closed."""

import pytest
from pamqp import commands

from amqp_server.broker.errors import NotFoundError
from tests.support import peer
from tests.support.desk import Desk


def test_a_connection_is_closed_with_its_reason() -> None:
    desk = Desk()
    client = desk.node.open()
    desk.do("close_connection", number=1, reason="enough")
    close = client.closed()
    assert (close.code, close.text) == (320, "CONNECTION_FORCED - enough")
    with pytest.raises(NotFoundError):
        desk.do("close_connection", number=7, reason="nobody")


def test_all_connections_of_a_user_are_closed_and_no_others() -> None:
    desk = Desk()
    desk.node.add_user("ann")
    anns = [desk.node.open(user="ann") for _ in range(3)]
    other = desk.node.open()
    assert desk.do("close_connections_of_user", username="ann", reason="enough") == 3
    assert {client.closed().text for client in anns} == {"CONNECTION_FORCED - enough"}
    assert other.works()
    assert desk.do("close_connections_of_user", username="nobody", reason="") == 0


def test_a_cancelled_consumer_hears_of_it_and_may_still_ack() -> None:
    desk = Desk()
    client = desk.node.open()
    client.declare()
    client.send(commands.Basic.Qos, prefetch_count=1)
    for tag in ("first", "second"):
        client.send(commands.Basic.Consume, queue="jobs", consumer_tag=tag)
    for body in (b"0", b"1", b"2"):
        client.publish(body)
    client.receive()
    desk.do("cancel_consumer", number=1, channel_number=1, consumer_tag="first")
    cancelled = client.expect(commands.Basic.Cancel)
    assert (cancelled.consumer_tag, cancelled.nowait) == ("first", True)
    (channel,) = desk.views.channels().items
    assert (channel.counts.unacked, channel.consumer_count) == (2, 1)
    client.send(commands.Basic.Ack, delivery_tag=1)
    assert client.works(), "the delivery of the cancelled consumer was its channel's"
    assert desk.views.channels().items[0].counts.unacked == 1
    client.send(commands.Basic.Ack, delivery_tag=2)
    deliver = client.expect(commands.Basic.Deliver)
    assert deliver.consumer_tag == "second", "the other one of its channel goes on"


def test_a_consumer_without_the_capability_is_cancelled_silently(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(peer, "CAPABILITIES", {})
    desk = Desk()
    client = desk.node.open()
    client.declare()
    client.send(commands.Basic.Consume, queue="jobs", consumer_tag="t")
    client.receive()
    desk.do("cancel_consumer", number=1, channel_number=1, consumer_tag="t")
    assert client.receive() == []
    assert desk.views.consumers().items == ()


def test_the_last_consumer_of_an_auto_delete_queue_takes_it_along() -> None:
    desk = Desk()
    client = desk.node.open()
    client.send(commands.Queue.Declare, queue="jobs", auto_delete=True)
    client.send(commands.Basic.Consume, queue="jobs", consumer_tag="t")
    client.receive()
    desk.do("cancel_consumer", number=1, channel_number=1, consumer_tag="t")
    client.expect(commands.Basic.Cancel)
    assert desk.views.queue("/", "jobs") is None


@pytest.mark.parametrize(("number", "channel", "tag"), [(7, 1, "t"), (1, 9, "t"), (1, 1, "x")])
def test_a_consumer_that_is_not_there_is_not_cancelled(number: int, channel: int, tag: str) -> None:
    desk = Desk()
    client = desk.node.open()
    client.declare()
    client.send(commands.Basic.Consume, queue="jobs", consumer_tag="t")
    with pytest.raises(NotFoundError):
        desk.do("cancel_consumer", number=number, channel_number=channel, consumer_tag=tag)
    assert len(desk.views.consumers().items) == 1
