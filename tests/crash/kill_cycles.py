"""Cycles in which a node is killed under its clients: what the loops of one exchange share."""

import argparse
import contextlib
import random
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final, NamedTuple, TypeVar

from pamqp import commands

from conformance.address import Address
from conformance.client import Channel, Connection
from conformance.events import ClosedByPeerError, ConnectionLostError
from tests.crash.kill_loop import FaultFoundError, power_under, settings_of
from tests.crash.node import Node, NodeError
from tests.crash.power_cut import PowerCut
from tests.support.ports import free_port

KILLED: Final = (OSError, AssertionError, ClosedByPeerError, ConnectionLostError)
"""What a client may meet when its node is killed."""
CLIENT_TIMEOUT_S: Final = 20.0

T = TypeVar("T")


class KillCycles:
    """The kills of one node on one data directory.

    Args:
        node: not started.
        seed: of the choices.
        power: is cut whenever the node is down; None is not to.

    Attributes:
        chance: what all choices are drawn from.
        kills_count: so far.
        kill_at_s: the time of day at which the node is killed next, or was killed last.
    """

    def __init__(self, node: Node, seed: int, power: PowerCut | None = None) -> None:
        self.chance = random.Random(seed)
        self.kills_count = 0
        self.kill_at_s = 0.0
        self._node = node
        self._power = power

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        """Start the node, and stop it at the end, which must be clean.

        Raises:
            FaultFoundError: the node did not start, did not know what it had declared, or did not
                end well.
        """
        self._node.start()
        try:
            self._node.wait_until_ready()
            yield
        except (NodeError, ClosedByPeerError) as error:
            raise FaultFoundError(str(error)) from error
        finally:
            code = self._node.stop()
        if code:
            raise FaultFoundError(f"the last stop ended with {code}\n{self._node.log_tail()}")

    def kill_within(
        self, session_s: tuple[float, float], client: Callable[[Connection], None]
    ) -> None:
        """Let a client work until its node is killed: at a moment between so many seconds.

        Args:
            client: what the kill makes it raise is no fault.
        """
        length_s = self.chance.uniform(*session_s)
        self.kill_at_s = time.time() + length_s
        killer = threading.Timer(length_s, self._node.kill)
        killer.start()
        with contextlib.suppress(*KILLED), self.connection() as connection:
            client(connection)
        killer.join()

    def start_again(self) -> None:
        """Count the kill, cut the power where it is to be cut, and start the node again."""
        self.kills_count += 1
        if self._power is not None:
            self._power.cut(self.chance)
        self._node.start()
        self._node.wait_until_ready()

    def connection(self) -> contextlib.closing[Connection]:
        """Return an open connection, which is closed at the end of its ``with``."""
        address = Address.of(f"amqp://guest:guest@127.0.0.1:{self._node.port}/%2F")
        return contextlib.closing(Connection(address, CLIENT_TIMEOUT_S).open())


def confirming(connection: Connection) -> Channel:
    """Return a channel whose publishes are confirmed."""
    channel = connection.channel(1)
    channel.call(commands.Confirm.Select)
    return channel


def confirmed(channel: Channel, waiting: dict[int, T]) -> Iterator[T]:
    """Wait for all confirms; yield what each of them is for.

    Args:
        channel: of the publishes.
        waiting: by delivery tag; empty at the end.
    """
    while waiting:
        ack = channel.expect(commands.Basic.Ack)
        last = ack.delivery_tag or 0
        for tag in [tag for tag in waiting if tag == last or (ack.multiple and tag < last)]:
            yield waiting.pop(tag)


class LoopProgram(NamedTuple):
    """A loop as a program.

    Attributes:
        name: of its module.
        description: for ``--help``.
        node_of: makes its node of a folder, a durability class and the power.
        run: runs so many cycles of a seed; answers with the totals, or raises ``FaultFoundError``.
    """

    name: str
    description: str | None
    node_of: Callable[[Path, str, PowerCut | None], Node]
    run: Callable[[Node, int, PowerCut | None, int], object]

    def main(self, arguments: Sequence[str] | None = None) -> int:
        """Run, print the totals, and return 1 where a fault was found."""
        program = f"python -m tests.crash.{self.name}"
        parser = argparse.ArgumentParser(prog=program, description=self.description)
        parser.add_argument("--cycles", type=int, default=20, help="kills; 20")
        parser.add_argument("--seed", type=int, default=1)
        parser.add_argument("--class", dest="durability", choices=("fsync", "os"), default="fsync")
        parser.add_argument("--power-cut", action="store_true", help="undo what was not synced")
        options = parser.parse_args(arguments)
        with tempfile.TemporaryDirectory(prefix=f"haremq-{self.name}-") as name:
            folder = Path(name)
            power = power_under(folder) if options.power_cut else None
            node = self.node_of(folder, options.durability, power)
            try:
                totals = self.run(node, options.seed, power, options.cycles)
            except FaultFoundError as error:
                print(f"INVALID: {error}\nseed={options.seed}")
                return 1
        print(f"valid: {totals}")
        return 0


def killed_node(
    folder: Path, durability: str, power: PowerCut | None = None, more_settings: str = ""
) -> Node:
    """Return a node on a folder, with the settings of kill loops and some more (YAML)."""
    environment = power.environment if power else None
    return Node(folder, free_port(), settings_of(durability) + more_settings, environment)
