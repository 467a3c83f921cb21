"""Events that wait for something outside: their channel waits, and nothing else does."""

from collections.abc import Iterator

import pytest
from pamqp import commands

from amqp_server.broker.awaited import Awaited
from amqp_server.broker.errors import NotFoundError
from amqp_server.broker.steps import WaitingSteps
from amqp_server.protocol.channel import Channel
from amqp_server.protocol.closing import CLOSE_OK_TIMEOUT_MS
from amqp_server.protocol.methods import dispatch
from amqp_server.wire.methods import Method
from tests.support.frames import method_frame
from tests.support.long_event import publish
from tests.support.peer import Client, Node


class Outside:
    """Stands behind queue.purge, which waits for it; its value is the count of purge-ok."""

    def __init__(self) -> None:
        self.asked: list[Awaited[int]] = []
        self.ended_count = 0

    def purge(self, _channel: Channel, _method: Method, _now_ms: int) -> WaitingSteps[Method]:
        self.asked.append(awaited := Awaited[int]())
        try:
            yield None
            return commands.Queue.PurgeOk((yield from awaited.value()))
        finally:
            self.ended_count += 1


@pytest.fixture
def outside(monkeypatch: pytest.MonkeyPatch) -> Iterator[Outside]:
    """Let queue.purge of all connections wait for this."""
    made = Outside()
    handlers = {**dispatch.HANDLERS, commands.Queue.Purge: made.purge}
    monkeypatch.setattr(dispatch, "HANDLERS", handlers)
    yield made
    assert made.ended_count == len(made.asked), "no steps are left behind"


PURGE = method_frame(1, commands.Queue.Purge, queue="jobs")


def waiting(outside: Outside, behind: bytes = b"") -> Client:
    """Return a client whose purge waits, with what it sent in the same write behind it."""
    client = Node().open()
    client.declare("jobs")
    client.send_bytes(PURGE + behind)
    assert len(outside.asked) == 1
    assert client.receive() == [], "nothing is answered"
    return client


def names(client: Client) -> list[str]:
    return [method.name for method in client.methods()]


def test_input_behind_it_waits_and_comes_in_order(outside: Outside) -> None:
    behind = publish("", "jobs", b"one") + method_frame(1, commands.Basic.Get, queue="jobs")
    client = waiting(outside, behind)
    assert client.is_read(), "other channels go on"
    outputs_count = client.outputs_count
    outside.asked[0].set(7)
    client.node.end_turns()
    assert client.outputs_count > outputs_count
    assert names(client) == ["Queue.PurgeOk", "Basic.GetOk"]
    assert client.is_read()


def test_it_is_no_work_of_a_turn_and_others_go_on(outside: Outside) -> None:
    client = waiting(outside)
    turn = client.node.broker.turn
    assert (turn.end(1), turn.waiting_count) == (False, 0), "nothing is asked turn after turn"
    other = client.node.open()
    assert other.works()
    outside.asked[0].set(7)
    client.node.end_turns()
    assert client.expect(commands.Queue.PurgeOk).message_count == 7


def test_a_turn_is_asked_for_when_the_value_comes(outside: Outside) -> None:
    client = waiting(outside)
    wakes: list[int] = []
    client.node.broker.woken_by(lambda: wakes.append(1))
    outside.asked[0].set(7)
    assert wakes == [1]
    client.node.end_turns()
    client.expect(commands.Queue.PurgeOk)


def test_an_error_is_the_answer_to_its_method(outside: Outside) -> None:
    client = waiting(outside)
    outside.asked[0].fail(NotFoundError("no queue 'jobs' in vhost '/'"))
    client.node.end_turns()
    close = client.closed()
    assert (close.channel, close.code, close.method) == (1, 404, (50, 30))


def test_a_bug_outside_ends_the_connection(outside: Outside) -> None:
    client = waiting(outside)
    outside.asked[0].fail(KeyError("a bug"))
    client.node.end_turns()
    close = client.closed()
    assert (close.channel, close.code) == (0, 541)


def test_a_client_that_is_lost_gives_back_what_it_holds_at_once(outside: Outside) -> None:
    client = waiting(outside, method_frame(1, commands.Queue.Declare, queue="never"))
    other = client.node.open()
    client.connection.lose(client.node.now_ms)
    client.node.end_turns()
    assert client.is_closed()
    assert outside.ended_count == 1, "the steps end with their channel"
    assert client.node.broker.count_connections() == 1
    outside.asked[0].set(7)
    client.node.end_turns()
    assert client.node.vhost.queues.find("never") is None, "its input is dropped"
    assert other.works()


def test_a_client_that_is_lost_before_its_method_waits_is_not_waited_for(outside: Outside) -> None:
    node = Node()
    client = node.open()
    client.declare("jobs")
    congestion = node.broker.congestion
    congestion.set(is_on=True)
    client.connection.receive_data(publish("", "jobs", b"one") + PURGE, node.now_ms)
    client.connection.lose(node.now_ms)
    assert not client.is_closed(), "its publish is carried out first"
    congestion.set(is_on=False)
    node.end_turns()
    assert client.is_closed()
    assert len(outside.asked) == 1
    outside.asked[0].set(1)
    node.end_turns()


def test_a_client_that_only_sends_nothing_more_gets_its_answer(outside: Outside) -> None:
    client = waiting(outside)
    client.connection.receive_eof(client.node.now_ms)
    assert not client.is_closed()
    outside.asked[0].set(7)
    client.node.end_turns()
    client.expect(commands.Queue.PurgeOk)
    client.node.end_turns()
    assert client.is_closed()


def test_a_channel_that_is_closed_meanwhile_lets_its_event_go(outside: Outside) -> None:
    client = waiting(outside, method_frame(1, commands.Basic.Get, queue="none"))
    channel = next(iter(client.connection.session.channels.values()))
    client.connection.session.refuse(1, NotFoundError("gone"), client.node.now_ms)
    client.node.end_turns()
    assert (outside.ended_count, channel.is_closing) == (1, True)
    assert client.closed().code == 404
    client.send(commands.Channel.CloseOk)
    client.open_channel(1)
    outside.asked[0].set(7)
    client.node.end_turns()
    assert names(client) == [], "the answer is nobody's"
    assert client.works()


def test_a_shutdown_does_not_wait_for_it(outside: Outside) -> None:
    client = waiting(outside)
    client.connection.shut_down("bye", client.node.now_ms)
    client.node.end_turns()
    assert client.closed().code == 320
    client.send(commands.Connection.CloseOk, 0)
    assert client.is_closed(), f"at once, and not {CLOSE_OK_TIMEOUT_MS} ms later"
    outside.asked[0].set(7)
    client.node.end_turns()
