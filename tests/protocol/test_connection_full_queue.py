"""A connection that publishes to a queue without room waits for it, and no other one does."""

import pytest
from pamqp import commands

from tests.support.frames import method_frame
from tests.support.full_queue import FullQueue
from tests.support.long_event import publish
from tests.support.peer import Client, Node


def full_queue(monkeypatch: pytest.MonkeyPatch) -> tuple[FullQueue, Client, Client]:
    """Return a queue ``full``, who publishes to it, and somebody else."""
    node = Node()
    publisher, other = node.open(), node.open()
    other.declare("full")
    other.declare("jobs")
    return FullQueue(node.broker.congestion, "full", monkeypatch), publisher, other


def test_who_fills_a_queue_is_not_read_until_there_is_room(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    full, publisher, other = full_queue(monkeypatch)
    publisher.send_bytes(
        method_frame(1, commands.Confirm.Select)
        + publish("", "full", b"one")
        + method_frame(1, commands.Queue.Declare, queue="full", passive=True)
    )
    assert [one.name for one in publisher.methods()] == ["Confirm.SelectOk", "Basic.Ack"]
    assert not publisher.is_read()
    other.publish(b"one")
    assert other.is_read()
    assert other.works()
    full.make_room()
    publisher.node.end_turns()
    assert publisher.is_read()
    assert publisher.expect(commands.Queue.DeclareOk).message_count == 1


def test_a_publisher_that_is_gone_is_no_more_waited_with(monkeypatch: pytest.MonkeyPatch) -> None:
    full, publisher, other = full_queue(monkeypatch)
    publisher.send_bytes(publish("", "full", b"one"))
    publisher.connection.lose(publisher.node.now_ms)
    full.make_room()
    publisher.node.end_turns()
    assert publisher.is_closed()
    assert other.works()


def test_a_commit_waits_as_its_publishes_would(monkeypatch: pytest.MonkeyPatch) -> None:
    full, publisher, other = full_queue(monkeypatch)
    publisher.send_bytes(
        method_frame(1, commands.Tx.Select)
        + publish("", "full", b"one")
        + method_frame(1, commands.Tx.Commit)
    )
    assert not publisher.is_read()
    assert other.works()
    full.make_room()
    publisher.node.end_turns()
    assert publisher.is_read()
