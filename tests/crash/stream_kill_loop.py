"""``python -m tests.crash.stream_kill_loop``: kill a broker that has streams again and again.

A cycle: programs publish and read over AMQP and over the stream protocol, store offsets, resend
what may be lost, create and delete; at a random moment the broker is ended by SIGKILL, now and then
once more while it starts. Then stored offsets are looked at, and about every other cycle all that
the streams keep is read: ``tests.crash.stream_ledger`` says what is valid.

``--power-cut`` and ``--class`` are as in ``tests.crash.kill_loop``.
"""

import argparse
import asyncio
import random
import shutil
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from load_generator.wire import LoadError
from tests.crash.kill_loop import (
    ACK_GRACE_CUT_MS,
    ACK_GRACE_KILL_MS,
    DRAIN_SHARE,
    KILL_AT_START_SHARE,
    LONG_SESSION_S_MAX,
    SESSION_S_MAX,
    FaultFoundError,
    power_under,
    settings_of,
)
from tests.crash.link import LinkLostError
from tests.crash.node import Node
from tests.crash.power_cut import PowerCut
from tests.crash.stream_session import Run
from tests.support.ports import free_port

RENEW_SHARE: Final = 0.15
LISTENERS: Final = """\
net:
  listeners:
    - {{port: {port}}}
    - {{port: {stream_port}, protocol: stream}}
management:
  listeners: []
  metrics_listeners: []
"""


class Totals(NamedTuple):
    """Over all cycles."""

    kills: int
    judgements: int
    confirmed: int
    read: int


class StreamNode(Node):
    """A node that listens for both protocols, as its settings say; see ``kill_loop.node_of``.

    Attributes:
        stream_port: of the stream protocol.
    """

    def __init__(
        self,
        folder: Path,
        durability: str,
        environment: Mapping[str, str] | None = None,
        more: str = "",
    ) -> None:
        self.stream_port = free_port()
        port = free_port()
        listeners = LISTENERS.format(port=port, stream_port=self.stream_port)
        settings = settings_of(durability) + listeners + more
        super().__init__(folder, port, settings, environment)

    def command(self) -> Sequence[str]:
        """Return the command, without the options that would stand for the listeners."""
        program = [sys.executable, "-m", "amqp_server", "start"]
        options = ["--config", str(self.folder / "haremq.yaml"), "--data-dir", str(self.data)]
        return [*program, *options]


class StreamKillLoop:
    """Cycles of one seed on one data directory.

    Args:
        node: not started.
        seed: of the choices.
        power: is cut whenever the node is down; None is not to.
    """

    def __init__(self, node: StreamNode, seed: int, power: PowerCut | None = None) -> None:
        self._node = node
        self._chance = random.Random(seed)
        self._power = power
        grace_ms = ACK_GRACE_CUT_MS if power else ACK_GRACE_KILL_MS
        self._run = Run(node.port, node.stream_port, self._chance, grace_ms)
        self._kills_count = 0
        self._judgements_count = 0

    async def run(self, cycles: int) -> Totals:
        """Run cycles, the last of them judged, and stop the node.

        Raises:
            FaultFoundError: something was not as it must be.
        """
        cycle = 0
        try:
            self._node.start()
            self._node.wait_until_ready()
            self._run.declare()
            for cycle in range(1, cycles + 1):
                await self._cycle(cycle, is_last=cycle == cycles)
        except (AssertionError, LinkLostError, TimeoutError, OSError, LoadError) as error:
            raise FaultFoundError(f"cycle {cycle}: {type(error).__name__}: {error}") from error
        finally:
            code = self._node.stop()
        if code:
            raise FaultFoundError(f"the last stop ended with {code}\n{self._node.log_tail()}")
        confirmed, read = self._run.counts()
        return Totals(self._kills_count, self._judgements_count, confirmed, read)

    async def _cycle(self, cycle: int, *, is_last: bool) -> None:
        run = self._run
        await run.session(self._end)
        self._cut()
        self._node.start()
        while self._chance.random() < KILL_AT_START_SHARE:
            await asyncio.sleep(self._chance.uniform(0, 0.6))
            self._kill()
            self._cut()
            self._node.start()
        self._node.wait_until_ready()
        wrong = await run.look()
        if is_last or self._chance.random() < DRAIN_SHARE:
            wrong = await run.judge()
            self._judgements_count += 1
            confirmed, read = run.counts()
            print(f"cycle={cycle} confirmed={confirmed} read={read} wrong={len(wrong)}", flush=True)
            if not (wrong or is_last) and self._chance.random() < RENEW_SHARE:
                await run.renew()
        if wrong:
            raise FaultFoundError(f"cycle {cycle}:\n" + "\n".join(wrong))

    async def _end(self) -> None:
        longest_s = SESSION_S_MAX if self._chance.random() < 0.8 else LONG_SESSION_S_MAX
        await asyncio.sleep(self._chance.uniform(0.05, longest_s))
        self._kill()

    def _kill(self) -> None:
        self._node.kill()
        self._kills_count += 1

    def _cut(self) -> None:
        if self._power is not None:
            self._power.cut(self._chance)


def kill_again_and_again(
    node: StreamNode, seed: int, cycles: int, power: PowerCut | None = None
) -> Totals:
    """Run the cycles of a seed on a node without data; return the totals.

    Raises:
        FaultFoundError: something was not as it must be.
    """
    return asyncio.run(StreamKillLoop(node, seed, power).run(cycles))


def main(arguments: Sequence[str] | None = None) -> int:
    """Run, print the totals, and return 1 where a fault was found."""
    program = "python -m tests.crash.stream_kill_loop"
    parser = argparse.ArgumentParser(prog=program, description=__doc__)
    parser.add_argument("--cycles", type=int, default=100, help="kills at least; 100")
    parser.add_argument("--seed", type=int, help="of the choices; a new one each time")
    parser.add_argument("--class", dest="durability", choices=("fsync", "os"), default="fsync")
    parser.add_argument("--power-cut", action="store_true", help="take back what was not synced")
    options = parser.parse_args(arguments)
    seed = random.SystemRandom().randrange(1 << 32) if options.seed is None else options.seed
    folder = Path(tempfile.mkdtemp(prefix="haremq-stream-kill-loop-"))
    print(f"seed={seed} class={options.durability} folder={folder}", flush=True)
    begin_s = time.monotonic()
    power = power_under(folder) if options.power_cut else None
    environment = power.environment if power else None
    node = StreamNode(folder, options.durability, environment)
    try:
        totals = kill_again_and_again(node, seed, options.cycles, power)
    except FaultFoundError as error:
        print(f"INVALID: {error}\nseed={seed}; the data directory is kept in {folder}")
        return 1
    elapsed_s = time.monotonic() - begin_s
    print(f"valid: {totals}, {options.cycles} cycles in {elapsed_s:.0f} s")
    shutil.rmtree(folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())
