"""Makes a script from a seed: the same seed and length always give the same script.

Each script has its own mood: some kinds of steps come often, and others never, so that rare kinds
meet each other. The generator remembers names, only so that most steps have an effect. No script
waits for a time: a message or queue expires at once or never.
"""

import random
from collections.abc import Callable, Mapping
from typing import Any

from conformance.random.script import MIDDLE, NAME_MARK, NEWEST, OLDEST, Message, Step
from conformance.random.vocabulary import (
    CHANNELS,
    DEATHS,
    EXCHANGES,
    HEADERS,
    KEYS,
    MISSING,
    PATTERNS,
    QUEUE_ARGUMENTS,
    QUEUES,
    QUORUM_ARGUMENTS,
    STRANGE_ARGUMENTS,
    TYPES,
    UNKNOWN_TAG,
)

WEIGHTS: Mapping[str, float] = {
    "declare": 4,
    "declare_strange": 0.3,
    "declare_passive": 1,
    "declare_exchange": 3,
    "bind": 4,
    "unbind": 1,
    "bind_exchange": 1.5,
    "unbind_exchange": 0.5,
    "publish": 16,
    "publish_some": 3,
    "consume": 7,
    "cancel": 2,
    "get": 6,
    "ack": 8,
    "nack": 4,
    "reject": 3,
    "recover": 1.5,
    "qos": 4,
    "transact": 2,
    "confirm": 1.5,
    "purge": 1,
    "delete": 1.5,
    "delete_exchange": 0.7,
    "flow": 0.2,
    "close_channel": 0.8,
    "close_connection": 0.4,
    "err": 0.8,
}
"""How often each kind of step comes in a script without a mood."""

QUORUM_SHARE = 0.1
"""The share of scripts with only quorum queues; it is small because RabbitMQ plays them slowly."""

ALWAYS = frozenset({"declare", "publish"})
MOOD_LEFT_OUT, MOOD_OFTEN = 0.25, 0.5
"""A kind whose random number is below the first never comes; below the second it comes often."""


def generate(seed: int, step_count: int) -> list[Step]:
    """Make the script of a seed."""
    return Generator(seed).script(step_count)


class Generator:
    """Makes scripts of classic and quorum queues.

    Attributes:
        weights: how often each kind of step comes in a script without a mood; the method that makes
            a kind has its name, behind an underscore.
    """

    weights = WEIGHTS

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self._queues: list[str] = []
        self._declares: dict[str, dict[str, Any]] = {}
        self._exchanges: list[tuple[str, str]] = []
        self._consumers: list[tuple[str, str]] = []
        self._bindings: list[Mapping[str, Any]] = []
        self._exchange_bindings: list[Mapping[str, Any]] = []
        self._in_transaction: set[str] = set()
        self._body_count = 0
        self._tag_count = 0
        self._channels = self._random.choice([CHANNELS, CHANNELS[:1], CHANNELS[::2], CHANNELS])
        self._names = QUEUES[: self._random.randint(1, len(QUEUES))]
        self._flavours = self._random.sample(QUEUE_ARGUMENTS, 3)
        self._dead_letter_share = self._random.choice([0.1, 0.4, 0.8])
        self._is_quorum = self._perhaps(QUORUM_SHARE)

    def script(self, step_count: int) -> list[Step]:
        """Return so many steps."""
        makers: dict[str, Callable[[], Step | None]] = {
            name: getattr(self, f"_{name}") for name in self.weights
        }
        weights = {name: weight * self._mood(name) for name, weight in self.weights.items()}
        steps = self._first_steps()
        while len(steps) < step_count:
            name = self._random.choices(list(weights), list(weights.values()))[0]
            step = makers[name]()
            if step is not None:
                steps.append(step)
        return steps[:step_count]

    def _first_steps(self) -> list[Step]:
        return [self._declare()]

    def _mood(self, name: str) -> float:
        chance = self._random.random()
        if name in ALWAYS or chance >= MOOD_OFTEN:
            return 1.0
        return 0.0 if chance < MOOD_LEFT_OUT else 3.0

    def _perhaps(self, share: float) -> bool:
        return self._random.random() < share

    def _step(self, method: str, *messages: Message, **given: Any) -> Step:  # noqa: ANN401
        """Make a step on some channel; false and empty fields are left out."""
        return self._step_on(self._random.choice(self._channels), method, *messages, **given)

    @staticmethod
    def _step_on(channel: str, method: str, *messages: Message, **given: Any) -> Step:  # noqa: ANN401
        kept = {name: value for name, value in given.items() if value or name == "delivery_tag"}
        return Step(channel, method, kept, messages)

    def _queue(self) -> str:
        if self._queues and self._perhaps(0.98):
            return self._random.choice(self._queues)
        return MISSING

    def _exchange(self) -> tuple[str, str]:
        """Choose an exchange that may exist; return its name and type."""
        if self._exchanges and self._perhaps(0.97):
            return self._random.choice(self._exchanges)
        return self._random.choice([(EXCHANGES[0], "fanout"), (MISSING, "direct")])

    def _declare(self) -> Step:
        unused = [name for name in self._names if name not in self._queues]
        name = self._random.choice(unused if unused and self._perhaps(0.7) else self._names)
        if self._perhaps(0.05):
            name = ""
        if name not in self._queues:
            self._queues.append(name)
        if not name or name not in self._declares or self._perhaps(0.15):
            self._declares[name] = self._new_queue()
        nowait = bool(name) and self._perhaps(0.05)
        return self._step("queue.declare", queue=name, nowait=nowait, **self._declares[name])

    def _new_queue(self) -> dict[str, Any]:
        flavours = QUORUM_ARGUMENTS if self._is_quorum else self._flavours
        arguments = dict(self._random.choice(flavours))
        if self._perhaps(self._dead_letter_share):
            arguments |= self._dead_letter_exchange()
        if self._is_quorum:
            return {"durable": True, "arguments": arguments}
        return {
            "durable": self._perhaps(0.3),
            "exclusive": self._perhaps(0.1),
            "auto_delete": self._perhaps(0.15),
            "arguments": arguments,
        }

    def _dead_letter_exchange(self) -> dict[str, Any]:
        if self._perhaps(0.5):
            target = {"x-dead-letter-exchange": ""}
            return target | {"x-dead-letter-routing-key": self._random.choice(self._names)}
        target = {"x-dead-letter-exchange": self._random.choice(EXCHANGES)}
        if self._perhaps(0.3):
            target["x-dead-letter-routing-key"] = self._random.choice(KEYS[:4])
        return target

    def _declare_strange(self) -> Step:
        arguments = self._random.choice(STRANGE_ARGUMENTS)
        return self._step("queue.declare", queue=f"{NAME_MARK}q9", arguments=arguments)

    def _declare_passive(self) -> Step:
        if self._perhaps(0.3):
            return self._step("exchange.declare", exchange=self._exchange()[0], passive=True)
        return self._step("queue.declare", queue=self._queue(), passive=True)

    def _declare_exchange(self) -> Step:
        name, kind = self._random.choice(EXCHANGES), self._random.choice(TYPES)
        if not any(name == known for known, _ in self._exchanges):
            self._exchanges.append((name, kind))
        elif self._perhaps(0.8):
            kind = next(found for known, found in self._exchanges if known == name)
        alternate = {"alternate-exchange": self._random.choice(EXCHANGES)}
        return self._step(
            "exchange.declare",
            exchange=name,
            exchange_type=kind,
            durable=self._perhaps(0.1),
            auto_delete=self._perhaps(0.1),
            internal=self._perhaps(0.05),
            arguments=alternate if self._perhaps(0.2) else {},
        )

    def _binding(self, kind: str) -> dict[str, Any]:
        if kind != "headers":
            keys = PATTERNS if kind == "topic" else KEYS
            return {"routing_key": self._random.choice(keys)}
        match = self._random.choice([{}, {"x-match": "any"}, {"x-match": "all"}])
        return {"arguments": {**match, **self._random.choice(HEADERS)}}

    def _bind(self) -> Step:
        exchange, kind = self._exchange()
        binding = {"queue": self._queue(), "exchange": exchange, **self._binding(kind)}
        self._bindings.append(binding)
        return self._step("queue.bind", **binding)

    def _unbind(self) -> Step | None:
        if not self._bindings:
            return None
        return self._step("queue.unbind", **self._random.choice(self._bindings))

    def _bind_exchange(self) -> Step:
        source, kind = self._exchange()
        binding = {"destination": self._exchange()[0], "source": source, **self._binding(kind)}
        self._exchange_bindings.append(binding)
        return self._step("exchange.bind", **binding)

    def _unbind_exchange(self) -> Step | None:
        if not self._exchange_bindings:
            return None
        return self._step("exchange.unbind", **self._random.choice(self._exchange_bindings))

    def _message(self) -> Message:
        self._body_count += 1
        properties: dict[str, Any] = {}
        headers: dict[str, Any] = dict(self._random.choice(HEADERS))
        if self._perhaps(0.05):
            headers[self._random.choice(["CC", "BCC"])] = [self._random.choice(self._names)]
        if self._perhaps(0.04):
            headers["x-death"] = self._random.choice(DEATHS)
        if headers and self._perhaps(0.6):
            properties["headers"] = headers
        if self._perhaps(0.3):
            properties["priority"] = self._random.choice([0, 1, 2, 3, 5])
        # A quorum queue of RabbitMQ drops expired messages only at its next delivery.
        if self._perhaps(0.05) and not self._is_quorum:
            properties["expiration"] = "0"
        if self._perhaps(0.05):
            properties["delivery_mode"] = 2
        return Message(f"m{self._body_count}", properties)

    def _publish(self, count: int = 1) -> Step:
        messages = [self._message() for _ in range(count)]
        if self._perhaps(0.6) or not self._exchanges:
            exchange, key = "", self._queue()
        else:
            exchange, key = self._exchange()[0], self._random.choice(KEYS)
        mandatory = self._perhaps(0.15)
        return self._step(
            "basic.publish", *messages, exchange=exchange, routing_key=key, mandatory=mandatory
        )

    def _publish_some(self) -> Step:
        return self._publish(self._random.choice([2, 3, 5]))

    def _consume(self) -> Step | None:
        self._tag_count += 1
        tag = f"c{self._tag_count}" if self._perhaps(0.97) else ""
        arguments = {"x-priority": self._random.choice([-1, 1, 5])} if self._perhaps(0.15) else {}
        step = self._step(
            "basic.consume",
            queue=self._queue(),
            consumer_tag=tag,
            no_ack=self._perhaps(0.25),
            exclusive=self._perhaps(0.05),
            nowait=bool(tag) and self._perhaps(0.05),
            arguments=arguments,
        )
        self._consumers.append((step.channel, tag))
        return step

    def _cancel(self) -> Step | None:
        if not self._consumers:
            return None
        consumer = self._random.choice(self._consumers)
        self._consumers.remove(consumer)
        return self._step_on(consumer[0], "basic.cancel", consumer_tag=consumer[1])

    def _get(self) -> Step:
        return self._step("basic.get", queue=self._queue(), no_ack=self._perhaps(0.3))

    def _tag(self) -> str:
        return self._random.choice([OLDEST, OLDEST, MIDDLE, NEWEST, NEWEST])

    def _ack(self) -> Step:
        multiple = self._perhaps(0.3)
        tag = 0 if multiple and self._perhaps(0.2) else self._tag()
        return self._step("basic.ack", delivery_tag=tag, multiple=multiple)

    def _nack(self) -> Step:
        return self._step(
            "basic.nack",
            delivery_tag=self._tag(),
            multiple=self._perhaps(0.3),
            requeue=self._perhaps(0.5),
        )

    def _reject(self) -> Step:
        return self._step("basic.reject", delivery_tag=self._tag(), requeue=self._perhaps(0.5))

    def _recover(self) -> Step:
        method = "basic.recover" if self._perhaps(0.8) else "basic.recoverasync"
        return self._step(method, requeue=self._perhaps(0.95))

    def _qos(self) -> Step:
        return self._step(
            "basic.qos",
            prefetch_count=self._random.choice([0, 1, 1, 2, 3]),
            global_=self._perhaps(0.4),
        )

    def _transact(self) -> Step:
        if not self._in_transaction or self._perhaps(0.1):
            step = self._step("tx.select")
            self._in_transaction.add(step.channel)
            return step
        channel = self._random.choice(sorted(self._in_transaction))
        method = "tx.commit" if self._perhaps(0.6) else "tx.rollback"
        return self._step_on(channel, method)

    def _confirm(self) -> Step:
        return self._step("confirm.select")

    def _purge(self) -> Step:
        return self._step("queue.purge", queue=self._queue())

    def _delete(self) -> Step:
        name = self._queue()
        if_unused, if_empty = self._perhaps(0.25), self._perhaps(0.25)
        if name in self._queues and not (if_unused or if_empty):
            self._queues.remove(name)
            self._declares.pop(name, None)
        return self._step("queue.delete", queue=name, if_unused=if_unused, if_empty=if_empty)

    def _delete_exchange(self) -> Step:
        return self._step(
            "exchange.delete", exchange=self._exchange()[0], if_unused=self._perhaps(0.3)
        )

    def _flow(self) -> Step:
        return self._step("channel.flow", active=True)

    def _close_channel(self) -> Step:
        return self._step("channel.close", reply_code=200)

    def _close_connection(self) -> Step:
        return self._step("connection.close")

    def _err(self) -> Step:
        wrong: list[tuple[str, dict[str, Any]]] = [
            ("basic.ack", {"delivery_tag": UNKNOWN_TAG}),
            ("basic.nack", {"delivery_tag": UNKNOWN_TAG, "multiple": True}),
            ("basic.reject", {"delivery_tag": UNKNOWN_TAG}),
            ("queue.bind", {"queue": MISSING, "exchange": "amq.fanout"}),
            ("queue.bind", {"queue": self._queue(), "exchange": MISSING}),
            ("queue.declare", {"queue": "amq.mine"}),
            ("queue.declare", {"queue": MISSING, "passive": True}),
            ("exchange.declare", {"exchange": MISSING, "passive": True}),
            ("exchange.declare", {"exchange": "amq.mine", "exchange_type": "direct"}),
            ("exchange.declare", {"exchange": "amq.fanout", "exchange_type": "direct"}),
            ("exchange.delete", {"exchange": "amq.fanout"}),
            ("basic.qos", {"prefetch_size": 1}),
            ("basic.consume", {"queue": MISSING}),
            ("basic.cancel", {"consumer_tag": "nobody"}),
            ("tx.commit", {}),
            ("queue.bind", {"queue": self._queue(), "exchange": ""}),
        ]
        method, given = self._random.choice(wrong)
        return self._step(method, **given)
