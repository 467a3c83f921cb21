"""Commands in order: what takes long holds the next one, what promises waits for the disk."""

import logging
from dataclasses import replace

import pytest

from amqp_server.broker.queue import memory_log
from amqp_server.broker.super_streams import PARTITIONS_MAX
from amqp_server.stream_protocol.fields import string, string_map, strings
from amqp_server.stream_protocol.frames import frame
from amqp_server.stream_protocol.keys import Code, CommandKey
from tests.support.commits import FakeDisk
from tests.support.peer import Node
from tests.support.stream_peer import StreamPeer, ok, refused

CREATE = CommandKey.CREATE


def test_what_changes_definitions_is_answered_when_it_is_on_disk() -> None:
    disk = FakeDisk()
    node = Node(backing=replace(disk.backing(), make_log=memory_log))
    peer = StreamPeer.open(node)
    peer.request(CREATE, string("s"), string_map({}))
    assert peer.receive() == []
    disk.commit(1_000)
    assert peer.receive() == [ok(CREATE)]


def test_a_request_of_many_steps_is_answered_in_its_turn() -> None:
    node = Node()
    peer = StreamPeer.open(node)
    names = [f"o-{number}" for number in range(PARTITIONS_MAX)]
    keys = [str(number) for number in range(PARTITIONS_MAX)]
    correlation = b"\0\0\0\7"
    body = correlation + string("o") + strings(names) + strings(keys) + string_map({})
    after = correlation + string("o-7")
    peer.send_bytes(
        frame(CommandKey.CREATE_SUPER_STREAM, body) + frame(CommandKey.STREAM_STATS, after)
    )
    first, second = peer.receive()
    assert first == ok(CommandKey.CREATE_SUPER_STREAM)
    assert second.key == CommandKey.STREAM_STATS | 0x8000


def test_a_request_that_fails_in_a_later_step_is_answered_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    node = Node()
    peer = StreamPeer.open(node)

    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("a bug")

    monkeypatch.setattr(node.vhost.queues, "declare", broken)
    answer = peer.ask(CREATE, string("s"), string_map({}))
    assert answer == refused(CREATE, Code.INTERNAL_ERROR)
    assert peer.ask(CommandKey.PARTITIONS, string("no")) == refused(
        CommandKey.PARTITIONS, Code.STREAM_DOES_NOT_EXIST
    )


def test_a_refusal_is_named_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    peer = StreamPeer.open(Node())
    with caplog.at_level(logging.INFO):
        peer.request(CommandKey.DELETE, string("none"))
        peer.send(CommandKey.DELETE)
    refusal, fault = caplog.messages
    assert "peer=127.0.0.1:50000" in refusal
    assert "user='guest' vhost='/' connection='test'" in refusal
    assert refusal.endswith("command=delete code=2 STREAM_DOES_NOT_EXIST")
    assert "delete: expected 4 octets" in fault
