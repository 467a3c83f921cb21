"""An attacker with one long event, and somebody else who has a round trip in every turn."""

from pamqp import commands

from amqp_server.wire.methods import Method
from tests.support.counted_clock import budget_of
from tests.support.frames import (
    METHOD,
    content_frames,
    frame,
    method_frame,
    property_list,
    publish_payload,
)
from tests.support.peer import Client, Node, decode

PIECES_PER_TURN = 12


TURNS_MAX = 20_000


class Attack:
    """An attacker, and somebody else who publishes to himself in every turn."""

    def __init__(self) -> None:
        self.node = Node()
        self.attacker = self.node.open()
        self.stranger = self.node.open()
        self.stranger.declare("canary")
        self.stranger.consume("canary", no_ack=True)
        self.stranger.receive()
        self.turns_count = 0

    def limit(self) -> None:
        """From here on a turn has an end."""
        self.node.broker.turn.budget = budget_of(PIECES_PER_TURN)
        self.node.broker.turn.budget.begin()

    def start(self, data: bytes) -> None:
        """Have the attacker send all this in one read."""
        self.limit()
        self.attacker.connection.receive_data(data, self.node.now_ms)

    def is_more_after_a_turn(self) -> bool:
        """Run a turn with a round trip of the stranger's; return whether work is left."""
        self.turns_count += 1
        broker, connection = self.node.broker, self.stranger.connection
        tweet = publish("", "canary", b"tweet")
        broker.turn.budget.begin()
        connection.receive_data(tweet, self.node.now_ms)
        is_more = broker.end_turn(self.node.now_ms)
        assert b"tweet" in b"".join(connection.data_to_send()), "others have their turn"
        return is_more

    def run(self, data: bytes) -> None:
        """Send it, and run turns until nothing is left to do."""
        self.start(data)
        while self.is_more_after_a_turn():
            assert self.turns_count < TURNS_MAX

    def no_limit(self) -> None:
        """Look at what came of it."""
        self.node.broker.turn.budget = budget_of(1 << 60)
        self.node.broker.turn.budget.begin()

    def queues(self, count: int, exchange: str = "amq.fanout", **arguments: object) -> list[str]:
        """Declare queues and bind them to an exchange."""
        names = [f"q{number}" for number in range(count)]
        for name in names:
            self.attacker.send_bytes(
                method_frame(1, commands.Queue.Declare, queue=name, nowait=True, **arguments)
                + bind(name, exchange, "")
            )
        return names

    def ready_counts(self, names: list[str]) -> set[int]:
        queues = self.node.vhost.queues
        found = [queues.find(name) for name in names]
        return {-1 if queue is None else queue.engine.ready_count for queue in found}


def bind(queue: str, exchange: str, routing_key: str, **arguments: object) -> bytes:
    return method_frame(
        1,
        commands.Queue.Bind,
        queue=queue,
        exchange=exchange,
        routing_key=routing_key,
        nowait=True,
        arguments=arguments,
    )


def publish(exchange: str, routing_key: str, body: bytes, **properties: object) -> bytes:
    method = frame(METHOD, 1, publish_payload(exchange, routing_key, 0))
    return method + content_frames(1, body, property_list(**properties))


def said_so_far(client: Client) -> list[Method]:
    """Read what there is, without another turn."""
    received = decode(b"".join(client.connection.data_to_send()))
    return [one.method for one in received if one.method is not None]
