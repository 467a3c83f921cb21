"""Kills a node whose exchange deduplicates, again and again; its publisher repeats what it may.

    publish, confirmed ─▶ x (x-message-deduplication) ─▶ last
    after each kill: all that was not confirmed once more, and some of what was

What was confirmed is in the queue exactly once, however often it was repeated. What a kill left
without a confirm comes once, or twice where the kill came between the message and its key.

python -m tests.crash.deduplication_kill_loop --cycles 50 --power-cut
"""

import argparse
import contextlib
import itertools
import random
import sys
import tempfile
import threading
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from pamqp import commands

from conformance.address import Address
from conformance.client import Channel, Connection
from conformance.events import ClosedByPeerError, ConnectionLostError
from tests.clients.support.server import free_port
from tests.crash.kill_loop import FaultFoundError, power_under, settings_of
from tests.crash.node import Node, NodeError
from tests.crash.power_cut import PowerCut

EXCHANGE, QUEUE = "x", "last"
KEY: Final = "x-deduplication-header"
SESSION_S: Final = (0.3, 1.0)
BATCH_MAX: Final = 60
REPEATED_MAX: Final = 40

LOST: Final = (OSError, AssertionError, ClosedByPeerError, ConnectionLostError)


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
        self._node = node
        self._chance = random.Random(seed)
        self._power = power
        self._numbers = itertools.count(1)
        self._confirmed: set[int] = set()
        self._unconfirmed: set[int] = set()
        self._was_killed: set[int] = set()
        self._repeated_count = 0
        self._kills_count = 0

    def run(self, cycles: int) -> Totals:
        """Run cycles, repeat what is not confirmed, and judge what is in the queue.

        Raises:
            FaultFoundError: something was not as it must be.
        """
        self._node.start()
        try:
            self._node.wait_until_ready()
            with contextlib.closing(self._open()) as connection:
                _declare(connection.channel(1))
            for _ in range(cycles):
                self._cycle()
            with contextlib.closing(self._open()) as connection:
                self._repeat(_confirming(connection), 0)
                came = Counter(int(event.body) for event in connection.channel(2).drain(QUEUE))
        except NodeError as error:
            raise FaultFoundError(str(error)) from error
        finally:
            code = self._node.stop()
        if code:
            raise FaultFoundError(f"the last stop ended with {code}\n{self._node.log_tail()}")
        self._judge(came)
        twice_count = sum(1 for count in came.values() if count > 1)
        return Totals(self._kills_count, len(came), self._repeated_count, twice_count)

    def _cycle(self) -> None:
        killer = threading.Timer(self._chance.uniform(*SESSION_S), self._node.kill)
        killer.start()
        with contextlib.suppress(*LOST), contextlib.closing(self._open()) as connection:
            channel = _confirming(connection)
            sent_count = self._repeat(channel, 0)
            while True:
                count = self._chance.randrange(1, BATCH_MAX)
                fresh = list(itertools.islice(self._numbers, count))
                repeated = self._some_confirmed(self._chance.randrange(3))
                sent_count = self._publish(channel, [*fresh, *repeated], sent_count)
        killer.join()
        self._kills_count += 1
        self._was_killed |= self._unconfirmed
        if self._power is not None:
            self._power.cut(self._chance)
        self._node.start()
        self._node.wait_until_ready()

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
        while waiting:
            ack = channel.expect(commands.Basic.Ack)
            last = ack.delivery_tag or 0
            for tag in [tag for tag in waiting if tag == last or (ack.multiple and tag < last)]:
                number = waiting.pop(tag)
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

    def _open(self) -> Connection:
        address = Address.of(f"amqp://guest:guest@127.0.0.1:{self._node.port}/%2F")
        return Connection(address, 20.0).open()


def _confirming(connection: Connection) -> Channel:
    channel = connection.channel(1)
    channel.call(commands.Confirm.Select)
    return channel


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


def deduplicating_node(folder: Path, durability: str, power: PowerCut | None = None) -> Node:
    """Return a node on a folder."""
    environment = power.environment if power else None
    return Node(folder, free_port(), settings_of(durability), environment)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run, print the totals, and return 1 where a fault was found."""
    program = "python -m tests.crash.deduplication_kill_loop"
    parser = argparse.ArgumentParser(prog=program, description=__doc__)
    parser.add_argument("--cycles", type=int, default=20, help="kills; 20")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--class", dest="durability", choices=("fsync", "os"), default="fsync")
    parser.add_argument("--power-cut", action="store_true", help="take back what was not synced")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="haremq-deduplication-kill-loop-") as name:
        folder = Path(name)
        power = power_under(folder) if options.power_cut else None
        node = deduplicating_node(folder, options.durability, power)
        try:
            totals = DeduplicationKillLoop(node, options.seed, power).run(options.cycles)
        except FaultFoundError as error:
            print(f"INVALID: {error}\nseed={options.seed}")
            return 1
    print(f"valid: {totals}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
