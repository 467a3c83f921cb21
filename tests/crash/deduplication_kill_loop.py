"""Kills a node whose exchange deduplicates, again and again; its publisher repeats what it may.

    publish, confirmed ─▶ x (x-message-deduplication) ─▶ last
    after each kill: all that was not confirmed once more, and some of what was

What was confirmed is in the queue exactly once, however often it was repeated. What a kill left
without a confirm comes once, or twice where the kill came between the message and its key.

python -m tests.crash.deduplication_kill_loop --cycles 50 --power-cut
"""

import itertools
import sys
from collections import Counter
from collections.abc import Iterable
from typing import Final, NamedTuple

from pamqp import commands

from conformance.client import Channel, Connection
from tests.crash.kill_cycles import KillCycles, LoopProgram, confirmed, confirming, killed_node
from tests.crash.kill_loop import FaultFoundError
from tests.crash.node import Node
from tests.crash.power_cut import PowerCut

EXCHANGE, QUEUE = "x", "last"
KEY: Final = "x-deduplication-header"
SESSION_S: Final = (0.3, 1.0)
BATCH_MAX: Final = 60
REPEATED_MAX: Final = 40


class Totals(NamedTuple):
    """What a loop has seen.

    Attributes:
        repeated: how often a message was sent once more.
        twice: messages that came twice: a kill came between the message and its key.
    """

    kills: int
    confirmed: int
    repeated: int
    twice: int


class DeduplicationKillLoop:
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
        self._confirmed: set[int] = set()
        self._unconfirmed: set[int] = set()
        self._was_killed: set[int] = set()
        self._repeated_count = 0

    def run(self, cycles: int) -> Totals:
        """Run cycles, repeat what is not confirmed, and judge what is in the queue.

        Raises:
            FaultFoundError: something was not as it must be.
        """
        with self._cycles.running():
            with self._cycles.connection() as connection:
                _declare(connection.channel(1))
            for _ in range(cycles):
                self._cycle()
            with self._cycles.connection() as connection:
                self._repeat(confirming(connection), 0)
                came = Counter(int(event.body) for event in connection.channel(2).drain(QUEUE))
        self._judge(came)
        twice_count = sum(1 for count in came.values() if count > 1)
        return Totals(self._cycles.kills_count, len(came), self._repeated_count, twice_count)

    def _cycle(self) -> None:
        self._cycles.kill_within(SESSION_S, self._publish_on)
        self._was_killed |= self._unconfirmed
        self._cycles.start_again()

    def _publish_on(self, connection: Connection) -> None:
        channel = confirming(connection)
        sent_count = self._repeat(channel, 0)
        while True:
            count = self._chance.randrange(1, BATCH_MAX)
            fresh = list(itertools.islice(self._numbers, count))
            repeated = self._some_confirmed(self._chance.randrange(3))
            sent_count = self._publish(channel, [*fresh, *repeated], sent_count)

    def _repeat(self, channel: Channel, sent_count: int) -> int:
        numbers = [*sorted(self._unconfirmed), *self._some_confirmed(REPEATED_MAX)]
        self._repeated_count += len(numbers)
        return self._publish(channel, numbers, sent_count) if numbers else sent_count

    def _some_confirmed(self, max_count: int) -> list[int]:
        count = min(max_count, len(self._confirmed))
        return self._chance.sample(sorted(self._confirmed), count)

    def _publish(self, channel: Channel, numbers: Iterable[int], sent_count: int) -> int:
        """Publish, and wait for all confirms; return how many were sent by now."""
        waiting: dict[int, int] = {}
        for number in numbers:
            if number not in self._confirmed:
                self._unconfirmed.add(number)
            channel.publish(
                b"%d" % number, exchange=EXCHANGE, delivery_mode=2, headers={KEY: number}
            )
            sent_count += 1
            waiting[sent_count] = number
        for number in confirmed(channel, waiting):
            self._confirmed.add(number)
            self._unconfirmed.discard(number)
        return sent_count

    def _judge(self, came: Counter[int]) -> None:
        lost = sorted(self._confirmed - came.keys())
        if lost:
            raise FaultFoundError(f"lost {len(lost)} of {len(self._confirmed)}: {lost[:5]}")
        too_often = [
            number
            for number, count in came.items()
            if count > (2 if number in self._was_killed else 1)
        ]
        if too_often:
            raise FaultFoundError(f"{len(too_often)} came again: {too_often[:5]}")


def _declare(channel: Channel) -> None:
    channel.call(
        commands.Exchange.Declare,
        exchange=EXCHANGE,
        exchange_type="x-message-deduplication",
        durable=True,
        arguments={"x-cache-size": 1_000_000},
    )
    channel.declare(QUEUE, durable=True)
    channel.call(commands.Queue.Bind, queue=QUEUE, exchange=EXCHANGE, routing_key="")


PROGRAM: Final = LoopProgram(
    "deduplication_kill_loop",
    __doc__,
    killed_node,
    lambda node, seed, power, cycles: DeduplicationKillLoop(node, seed, power).run(cycles),
)

if __name__ == "__main__":
    sys.exit(PROGRAM.main())
