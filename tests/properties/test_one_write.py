"""What comes in one write has the effect that it has piece by piece.

Two clients play a random script in blocks, once a step at a time and once with a write for each
block. Each channel uses one queue alone for what it gets: among several queues a channel has no
order. Confirms may be joined and are compared as sets; all else that each channel is answered, all
that it is delivered, and every queue, must be the same after each block.

``SEQUENCE_SEEDS=2000 pytest tests/properties/test_one_write.py`` plays more of them.
"""

import os
from collections.abc import Callable
from random import Random

import pytest
from pamqp import commands

from tests.support.classic_queue import classic
from tests.support.frames import (
    METHOD,
    content_frames,
    frame,
    method_frame,
    property_list,
    publish_payload,
)
from tests.support.peer import Node, Received

SEEDS = int(os.environ.get("SEQUENCE_SEEDS", "60"))
BLOCKS = 12
STEPS_MAX = 12
QUEUES: dict[str, dict[str, object]] = {
    "plain": {},
    "lanes": {"x-max-priority": 5},
    "short": {"x-max-length": 3, "x-dead-letter-exchange": "", "x-dead-letter-routing-key": "dead"},
    "dead": {},
}
# Which queue a channel consumes and gets from, by client and number.
USES = {(0, 1): "plain", (0, 2): "lanes", (0, 3): "plain", (1, 1): "plain", (1, 2): "short"}
TX_CHANNEL, CONFIRM_CHANNEL = (1, 1), (0, 2)
NO_ACK, NO_ACK_GETS = "n", {(0, 1), (1, 2)}
Place = tuple[int, int]
_DELIVERED = (commands.Basic.Deliver, commands.Basic.GetOk)


class Side:
    """One of the two plays: a broker, its clients, and what each channel was told in this block."""

    def __init__(self) -> None:
        self.node = Node()
        self.clients = [self.node.open(), self.node.open()]
        for name, arguments in QUEUES.items():
            self.clients[0].declare(name, arguments=arguments)
        for (client, number), name in USES.items():
            if number > 1:
                self.clients[client].open_channel(number)
            self.clients[client].send(
                commands.Queue.Bind, number, queue=name, exchange="amq.fanout"
            )
        self.clients[TX_CHANNEL[0]].send(commands.Tx.Select, TX_CHANNEL[1])
        self.clients[CONFIRM_CHANNEL[0]].send(commands.Confirm.Select, CONFIRM_CHANNEL[1])
        self.heard()

    def send(self, client: int, octets: bytes) -> None:
        self.clients[client].send_bytes(octets)

    def heard(self) -> dict[Place, list[Received]]:
        """Read all there is, by channel."""
        found: dict[Place, list[Received]] = {place: [] for place in USES}
        for number, client in enumerate(self.clients):
            for one in client.receive():
                found.setdefault((number, one.channel), []).append(one)
        return found

    def queues(self) -> list[tuple[str, int, int, int]]:
        return sorted(
            (
                one.name,
                one.engine.ready_count,
                classic(one.engine).counts().unacked_count,
                one.engine.consumer_count,
            )
            for one in self.node.vhost.queues
        )


class Script:
    """Steps that make sense to clients who know what they were told up to the block's begin."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        self.numbers = iter(range(1, 1 << 20))
        self.tags: dict[Place, list[int]] = {place: [] for place in USES}
        self.consumers: dict[Place, list[str]] = {place: [] for place in USES}
        self.closed: set[Place] = set()
        self.steps: list[Callable[[Place], bytes]] = [
            self.publish,
            self.publish,
            self.publish,
            self.publish,
            self.consume,
            self.consume,
            self.cancel,
            self.get,
            self.ack,
            self.ack,
            self.nack,
            self.nack,
            self.recover,
            self.qos,
            self.purge,
            self.passive,
            self.delete,
            self.end_transaction,
            self.bind,
            self.close,
        ]

    def block(self) -> tuple[int, list[bytes]]:
        """Return whose block it is, and its steps."""
        client = self.random.randrange(2)
        places = [place for place in USES if place[0] == client]
        steps = []
        for place in places:
            if place in self.closed:
                steps.append(
                    method_frame(place[1], commands.Channel.CloseOk)
                    + method_frame(place[1], commands.Channel.Open)
                )
                self.closed.discard(place)
        for _ in range(self.random.randint(1, STEPS_MAX)):
            step = self.random.choice(self.steps)
            steps.append(step(self.random.choice(places)))
        return client, [one for one in steps if one]

    def learn(self, heard: dict[Place, list[Received]]) -> None:
        """Know what was delivered, and which channels were closed."""
        for place, received in heard.items():
            for one in received:
                if isinstance(one.method, commands.Channel.Close):
                    self.closed.add(place)
                    self.tags[place], self.consumers[place] = [], []
                if isinstance(one.method, commands.Basic.Deliver) and not (
                    one.method.consumer_tag or ""
                ).startswith(NO_ACK):
                    self.tags[place].append(one.method.delivery_tag or 0)
                if isinstance(one.method, commands.Basic.GetOk) and place not in NO_ACK_GETS:
                    self.tags[place].append(one.method.delivery_tag or 0)
                if isinstance(one.method, commands.Basic.Cancel):
                    tag = one.method.consumer_tag or ""
                    if tag in self.consumers[place]:
                        self.consumers[place].remove(tag)

    # -- steps ------------------------------------------------------------------------------

    def publish(self, place: Place) -> bytes:
        to_all = self.random.random() < 0.2
        key = self.random.choice([*QUEUES])
        method = publish_payload("amq.fanout" if to_all else "", key, 0)
        body, properties = (
            b"%d" % next(self.numbers),
            property_list(priority=self.random.randrange(6)),
        )
        return frame(METHOD, place[1], method) + content_frames(place[1], body, properties)

    def consume(self, place: Place) -> bytes:
        if len(self.consumers[place]) > 2:
            return b""
        no_ack = self.random.random() < 0.2
        tag = f"{NO_ACK if no_ack else 'c'}{next(self.numbers)}"
        self.consumers[place].append(tag)
        priority = self.random.choice([0, 0, 0, 1])
        return method_frame(
            place[1],
            commands.Basic.Consume,
            queue=USES[place],
            consumer_tag=tag,
            no_ack=no_ack,
            arguments={"x-priority": priority} if priority else {},
        )

    def cancel(self, place: Place) -> bytes:
        if not self.consumers[place]:
            return b""
        tag = self.random.choice(self.consumers[place])
        self.consumers[place].remove(tag)
        return method_frame(place[1], commands.Basic.Cancel, consumer_tag=tag)

    def get(self, place: Place) -> bytes:
        return method_frame(
            place[1], commands.Basic.Get, queue=USES[place], no_ack=place in NO_ACK_GETS
        )

    def take_tag(self, place: Place) -> tuple[int, bool]:
        """Return a tag to settle, 0 where none is known, and whether all before it go along."""
        known = self.tags[place]
        if not known:
            return 0, False
        at = self.random.randrange(len(known))
        tag, multiple = known[at], self.random.random() < 0.3
        self.tags[place] = known[at + 1 :] if multiple else known[:at] + known[at + 1 :]
        return tag, multiple

    def ack(self, place: Place) -> bytes:
        tag, multiple = self.take_tag(place)
        if not tag and self.random.random() < 0.9:
            return b""
        return method_frame(
            place[1], commands.Basic.Ack, delivery_tag=tag, multiple=multiple or not tag
        )

    def nack(self, place: Place) -> bytes:
        tag, multiple = self.take_tag(place)
        if not tag and self.random.random() < 0.9:
            return b""
        return method_frame(
            place[1],
            commands.Basic.Nack,
            delivery_tag=tag,
            multiple=multiple or not tag,
            requeue=self.random.random() < 0.7,
        )

    def recover(self, place: Place) -> bytes:
        if self.random.random() < 0.5:
            return b""
        self.tags[place] = []
        return method_frame(place[1], commands.Basic.Recover, requeue=True)

    def qos(self, place: Place) -> bytes:
        return method_frame(
            place[1],
            commands.Basic.Qos,
            prefetch_count=self.random.choice([0, 1, 1, 2, 3]),
            global_=self.random.random() < 0.4,
        )

    def purge(self, place: Place) -> bytes:
        if self.random.random() < 0.6:
            return b""
        return method_frame(place[1], commands.Queue.Purge, queue=self.random.choice([*QUEUES]))

    def passive(self, place: Place) -> bytes:
        name = self.random.choice([*QUEUES])
        return method_frame(place[1], commands.Queue.Declare, queue=name, passive=True)

    def delete(self, place: Place) -> bytes:
        if self.random.random() < 0.7:
            return b""
        name = self.random.choice([*QUEUES])
        return method_frame(place[1], commands.Queue.Delete, queue=name) + method_frame(
            place[1], commands.Queue.Declare, queue=name, arguments=QUEUES[name]
        )

    def end_transaction(self, place: Place) -> bytes:
        if place != TX_CHANNEL:
            return b""
        kind = commands.Tx.Commit if self.random.random() < 0.8 else commands.Tx.Rollback
        return method_frame(place[1], kind)

    def bind(self, place: Place) -> bytes:
        kind = commands.Queue.Bind if self.random.random() < 0.6 else commands.Queue.Unbind
        return method_frame(place[1], kind, queue=USES[place], exchange="amq.fanout")

    def close(self, place: Place) -> bytes:
        if self.random.random() < 0.8 or place in {TX_CHANNEL, CONFIRM_CHANNEL}:
            return b""
        self.tags[place], self.consumers[place] = [], []
        close = method_frame(
            place[1], commands.Channel.Close, reply_code=200, class_id=0, method_id=0
        )
        return close + method_frame(place[1], commands.Channel.Open)


def told(heard: dict[Place, list[Received]]) -> dict[Place, object]:
    """Return what may be compared: deliveries in order, other answers in order, and confirms."""
    found: dict[Place, object] = {}
    for place, received in heard.items():
        deliveries, answers, confirmed = [], [], 0
        for one in received:
            fields = dict(one.method or ())
            if isinstance(one.method, _DELIVERED):
                deliveries.append((one.method.name, sorted(fields.items()), one.body))
            elif isinstance(one.method, commands.Basic.Ack):
                confirmed = max(confirmed, one.method.delivery_tag or 0)
            elif one.method is not None:
                answers.append((one.method.name, sorted(fields.items(), key=str)))
        found[place] = (deliveries, answers, confirmed)
    return found


def merged(heard: list[dict[Place, list[Received]]]) -> dict[Place, list[Received]]:
    found: dict[Place, list[Received]] = {place: [] for place in USES}
    for part in heard:
        for place, received in part.items():
            found.setdefault(place, []).extend(received)
    return found


def play(seed: int) -> None:
    script, apart, together = Script(seed), Side(), Side()
    for number in range(BLOCKS):
        client, steps = script.block()
        heard = []
        for step in steps:
            apart.send(client, step)
            heard.append(apart.heard())
        together.send(client, b"".join(steps))
        piece_by_piece = merged(heard)
        where = f"seed {seed}, block {number}, client {client}"
        assert told(together.heard()) == told(piece_by_piece), where
        assert together.queues() == apart.queues(), where
        script.learn(piece_by_piece)


@pytest.mark.parametrize("tens", range((SEEDS + 9) // 10))
def test_one_write_is_as_good_as_many(tens: int) -> None:
    for seed in range(tens * 10, tens * 10 + 10):
        play(seed)
