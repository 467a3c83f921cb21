"""The server takes the reply address that the broker put in."""

from collections.abc import Callable, Iterator
from functools import partial

import pytest

from benchmarks import rpc
from benchmarks.scenarios import Rpc
from load_generator import session, wire
from load_generator.board import Board
from load_generator.load import Topology
from load_generator.wire import BrokerRefusalError
from tests.support.deliveries import delivery
from tests.support.scripted_broker import ScriptedBroker

CALL = Rpc("rpc", "")
TOPOLOGY = Topology(["requests"])
CONSUME_OK = wire.method(1, wire.BASIC_CONSUME_OK, wire.shortstr("c"))


@pytest.fixture
def broker(monkeypatch: pytest.MonkeyPatch) -> Iterator[ScriptedBroker]:
    scripted = ScriptedBroker()
    monkeypatch.setattr(session, "connect", scripted.connect)
    monkeypatch.setattr(session, "GOODBYE_TIMEOUT_S", 0.001)
    monkeypatch.setattr(rpc, "_POLL_S", 0.001)
    yield scripted
    scripted.end()


class Asked(Board):
    """Says something each time it is asked whether to end."""

    def __init__(self, *steps: Callable[[], object]) -> None:
        super().__init__(1, lifetime_s=60)
        self._steps = [*steps]

    def _step(self) -> bool:
        if not self._steps:
            return True
        self._steps.pop(0)()
        return False

    is_stopping = property(_step)
    is_draining = property(_step)


def published(broker: ScriptedBroker) -> list[tuple[bytes, bytes]]:
    """Return the routing key and the body of each message that was sent."""
    frames = broker.heard()
    keys = [f.payload[8:-1] for f in frames if wire.method_of(f) == wire.BASIC_PUBLISH]
    bodies = [f.payload for f in frames if f.kind == wire.FRAME_BODY]
    return list(zip(keys, bodies, strict=True))


def head_of(properties: bytes) -> bytes:
    octets = wire.publish("", "", properties, b"")
    frames, _ = wire.split_frames(octets, 0, len(octets))
    return frames[1].payload


def test_the_reply_address_is_read_from_the_content_header() -> None:
    address = "amq.rabbitmq.reply-to.g1h2.pid"
    assert rpc.reply_to(head_of(wire.properties(reply_to=address))) == address


def test_other_properties_than_were_sent_are_told() -> None:
    with pytest.raises(BrokerRefusalError, match="property flags"):
        rpc.reply_to(head_of(wire.properties({"added": "x"}, reply_to="a")))


def request(tag: int, address: str) -> bytes:
    """Render the delivery of a request."""
    octets = delivery(tag)
    frames, _ = wire.split_frames(octets, 0, len(octets))
    properties = wire.properties(reply_to=address)
    content = wire.publish("", "", properties, frames[2].payload)
    (publish, *_), _ = wire.split_frames(content, 0, len(content))
    method = octets[: len(frames[0].payload) + wire.FRAME_OVERHEAD_BYTES]
    return method + content[len(publish.payload) + wire.FRAME_OVERHEAD_BYTES :]


def test_each_request_is_answered_to_the_address_that_it_bears(broker: ScriptedBroker) -> None:
    broker.log_in(CONSUME_OK)
    addresses = ["reply.1", "reply.1", "other.2"]
    told = [
        partial(broker.tell, request(tag, address))
        for tag, address in enumerate(addresses, start=1)
    ]
    board = Asked(*told)
    rpc.serve(CALL, broker.endpoint, TOPOLOGY, board.tally(0), lambda: None)
    answer = b"y" * CALL.body_size_bytes
    assert published(broker) == [(address.encode(), answer) for address in addresses]


def test_a_call_waits_for_its_reply_and_counts_it(broker: ScriptedBroker) -> None:
    """RabbitMQ gives all replies of a channel one delivery tag."""
    broker.log_in(CONSUME_OK)

    def reply() -> None:
        broker.tell(delivery(1))

    board = Asked(reply, lambda: None, reply, reply)
    rpc.call(CALL, broker.endpoint, TOPOLOGY, board.tally(0), lambda: None)
    assert board.totals().consumed_count == 3
    assert [key for key, _body in published(broker)] == [b"requests"] * 3


def test_a_close_instead_of_a_reply_is_told(broker: ScriptedBroker) -> None:
    reason = b"\x01\x94" + wire.shortstr("gone") + bytes(4)
    broker.log_in(CONSUME_OK)
    board = Asked(lambda: broker.tell(wire.method(1, wire.CHANNEL_CLOSE, reason)))
    with pytest.raises(BrokerRefusalError, match="404 gone"):
        rpc.call(CALL, broker.endpoint, TOPOLOGY, board.tally(0), lambda: None)
