"""Kills a node whose exchange delays messages, again and again; every confirmed one must come.

    publish, confirmed ─▶ x (x-delayed-message) ─ 0.02 to 6 s ─▶ last, other ─▶ consumer, acks

Every second message is due in the moment of the kill, so that kills come while many leave, for both
queues. What was confirmed comes at least once, and not more often than there were kills, and once
more. Nothing comes before its time. Half of the messages are large enough that those that wait are
on the disk: the node has a small budget for each queue.

python -m tests.crash.delay_kill_loop --cycles 50 --power-cut
"""

import contextlib
import itertools
import sys
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Final, NamedTuple

from pamqp import commands

from conformance.client import Channel, Connection
from tests.crash.kill_cycles import (
    KILLED,
    KillCycles,
    LoopProgram,
    confirmed,
    confirming,
    killed_node,
)
from tests.crash.kill_loop import FaultFoundError
from tests.crash.node import Node
from tests.crash.power_cut import PowerCut

BUDGET: Final = "queues:\n  memory_per_queue_bytes: 65536\n"
EXCHANGE: Final = "x"
QUEUES: Final = ("last", "other")
DELAYS_S: Final = (0.02, 0.1, 0.5, 1.0, 2.0, 6.0)
SESSION_S: Final = (0.3, 1.5)
BATCH_MAX: Final = 60
DRAIN_S_MAX: Final = 60.0
EARLY_S: Final = 0.002
"""The broker counts in ms, and this clock is another."""


class Totals(NamedTuple):
    """What a loop has seen."""

    kills: int
    confirmed: int
    came: int
    came_again: int


class DelayKillLoop:
    """Cycles of one seed on one data directory.

    Args:
        node: not started.
        seed: of the choices.
        power: is cut whenever the node is down; None is not to.
    """

    def __init__(self, node: Node, seed: int, power: PowerCut | None = None) -> None:
        self._cycles = KillCycles(node, seed, power)
        self._chance = self._cycles.chance
        self._numbers = itertools.count(1)
        self._confirmed: set[bytes] = set()
        self._due_s: dict[bytes, float] = {}
        self._came: Counter[bytes] = Counter()
        self._early: list[str] = []

    def run(self, cycles: int) -> Totals:
        """Run cycles, wait for everything, and judge.

        Raises:
            FaultFoundError: something was not as it must be.
        """
        with self._cycles.running():
            with self._cycles.connection() as connection:
                _declare(connection.channel(1))
            for _ in range(cycles):
                self._cycle()
            self._drain()
        self._judge()
        again = sum(count - 1 for count in self._came.values())
        return Totals(self._cycles.kills_count, len(self._confirmed), len(self._came), again)

    def _cycle(self) -> None:
        consumer = threading.Thread(target=self._consume, args=(time.monotonic() + 60.0,))
        consumer.start()
        self._cycles.kill_within(SESSION_S, self._publish_on)
        consumer.join()
        self._cycles.start_again()

    def _publish_on(self, connection: Connection) -> None:
        channel = confirming(connection)
        sent_count = 0
        while True:
            sent_count = self._publish(channel, sent_count)

    def _publish(self, channel: Channel, sent_count: int) -> int:
        """Publish some, and wait for their confirms; return how many were sent by now."""
        waiting: dict[int, bytes] = {}
        for _ in range(self._chance.randrange(1, BATCH_MAX)):
            body = b"%d " % next(self._numbers) + bytes(self._chance.choice((0, 2_000)))
            now_s = time.time()
            delay_s = self._chance.choice(DELAYS_S)
            if self._chance.random() < 1 / 2:
                delay_s = max(self._cycles.kill_at_s - now_s, DELAYS_S[0])
            delay_ms = int(delay_s * 1000)
            self._due_s[body] = now_s + delay_ms / 1000
            channel.publish(
                body,
                exchange=EXCHANGE,
                routing_key=self._chance.choice(QUEUES),
                delivery_mode=2,
                headers={"x-delay": delay_ms},
            )
            sent_count += 1
            waiting[sent_count] = body
        self._confirmed.update(confirmed(channel, waiting))
        return sent_count

    def _consume(self, until_s: float) -> None:
        with contextlib.suppress(*KILLED), self._cycles.connection() as connection:
            channel = connection.channel(1)
            for name in QUEUES:
                channel.consume(name)
            while time.monotonic() < until_s and not self._is_complete():
                event = channel.next_event(1.0)
                now_s = time.time()
                self._came[event.body] += 1
                if now_s < self._due_s[event.body] - EARLY_S:
                    self._early.append(f"{self._due_s[event.body] - now_s:.3f} s early")
                assert isinstance(event.method, commands.Basic.Deliver)
                channel.ack(event.method.delivery_tag or 0)

    def _is_complete(self) -> bool:
        return self._is_draining and self._confirmed <= self._came.keys()

    _is_draining = False

    def _drain(self) -> None:
        """Take everything that is still to come."""
        self._is_draining = True
        until_s = time.monotonic() + DRAIN_S_MAX
        while time.monotonic() < until_s and not self._is_complete():
            self._consume(until_s)

    def _judge(self) -> None:
        lost = sorted(self._confirmed - self._came.keys())
        if lost:
            numbers = [body.split()[0] for body in lost[:5]]
            raise FaultFoundError(f"lost {len(lost)} of {len(self._confirmed)}: {numbers}")
        too_often = [count for count in self._came.values() if count > self._cycles.kills_count + 1]
        if too_often:
            raise FaultFoundError(f"came too often: {max(too_often)} times")
        if self._early:
            raise FaultFoundError(f"{len(self._early)} came early: {self._early[:5]}")


def _declare(channel: Channel) -> None:
    channel.call(
        commands.Exchange.Declare,
        exchange=EXCHANGE,
        exchange_type="x-delayed-message",
        durable=True,
        arguments={"x-delayed-type": "direct"},
    )
    for name in QUEUES:
        channel.declare(name, durable=True)
        channel.call(commands.Queue.Bind, queue=name, exchange=EXCHANGE, routing_key=name)


def delay_node(folder: Path, durability: str, power: PowerCut | None = None) -> Node:
    """Return a node that keeps little of what waits in memory."""
    return killed_node(folder, durability, power, BUDGET)


PROGRAM: Final = LoopProgram(
    "delay_kill_loop",
    __doc__,
    delay_node,
    lambda node, seed, power, cycles: DelayKillLoop(node, seed, power).run(cycles),
)

if __name__ == "__main__":
    sys.exit(PROGRAM.main())
