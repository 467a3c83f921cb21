"""``python -m tests.crash.kill_loop``: kill a broker again and again, and look what it still knows.

A cycle: in two vhosts programs publish, consume, get, commit, declare and delete; at a random
moment the broker is ended by SIGKILL, now and then once more while it starts; each start has a
policy of its own. Then it must know every definition whose -ok had arrived. About every other cycle
its queues are drained and the history since then is judged: ``tests.crash.checker`` says what is
valid. Small files make rolls and checkpoints frequent.

With ``--power-cut`` a random part of what was not synced is taken back while the broker is down:
``tests.crash.power_cut``. The choices of a seed are replayed by it; when the kernel runs whom is
not in them. A data directory that shows a fault is kept, and named.
"""

import argparse
import asyncio
import random
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Final

from load_generator.wire import LoadError
from tests.crash.link import LinkLostError
from tests.crash.node import Killable, Node, RabbitNode
from tests.crash.policies import POLICIES, definitions_of
from tests.crash.power_cut import PowerCut
from tests.crash.session import COUNTED, DROPPED, Judgement, Run, declare_all
from tests.support.ports import free_port

ACK_GRACE_KILL_MS: Final = 1_000
"""Acks are with the kernel by then: all that they wait for is the sync of the group before."""
SYNC_INTERVAL_MS: Final = 200
ACK_GRACE_CUT_MS: Final = 1_500
RABBITMQ_PORT: Final = 26_711
"""Low enough for the ports that it puts above."""
DRAIN_SHARE: Final = 0.5
KILL_AT_START_SHARE: Final = 0.2
SESSION_S_MAX: Final = 1.2
LONG_SESSION_S_MAX: Final = 3.0
SETTINGS: Final = """\
persistence:
  durability: {durability}
  wal_file_size_bytes: 1048576
  segment_size_bytes: 1048576
  unneeded_bytes_max: 1048576
  settled_sync_interval_ms: {sync_interval_ms}
"""
LONG_QUEUES: Final = "queues: {memory_per_queue_bytes: 65536}\n"
"""As little as may be: most queues are longer than that."""
LONG_SHARE: Final = 0.5


VHOSTS: Final = ("/", "crash")
"""All moves are made in each."""
PUBLISHERS_PER_VHOST_MAX: Final = 1_000_000
LOAD_DEFINITIONS: Final = """\
broker:
  load_definitions: '{path}'
  load_definitions_strict: true
"""


class FaultFoundError(Exception):
    """A cycle showed what must not be; the text says what."""


class KillLoop:
    """Cycles of one seed on one data directory.

    Args:
        node: not started.
        seed: of the choices.
        ack_grace_ms: see ``Run``.
        vhosts: that are there once the node has started.

    Attributes:
        totals: over all judgements.
        runs: of each vhost.
    """

    def __init__(
        self, node: Killable, seed: int, ack_grace_ms: int, vhosts: Sequence[str] = ("/",)
    ) -> None:
        self.totals: Counter[str] = Counter(dict.fromkeys((*COUNTED, DROPPED), 0))
        self._node = node
        self._chance = random.Random(seed)
        self.runs = [
            Run(node.port, self._chance, ack_grace_ms, vhost, 1 + at * PUBLISHERS_PER_VHOST_MAX)
            for at, vhost in enumerate(vhosts)
        ]
        self._on_down: Sequence[Callable[[random.Random], object]] = ()

    def when_down(self, *works: Callable[[random.Random], object]) -> None:
        """Do this whenever the node has been killed, before it starts again."""
        self._on_down = works

    async def run(self, cycles: int) -> None:
        """Run cycles, the last of them drained, and stop the node.

        Raises:
            FaultFoundError: something was not as it must be.
        """
        try:
            self._node.start()
            self._node.wait_until_ready()
            for run in self.runs:
                declare_all(self._node.port, run.vhost)
            for cycle in range(1, cycles + 1):
                await self._cycle(cycle, is_last=cycle == cycles)
        except (AssertionError, LinkLostError, OSError, LoadError) as error:
            raise FaultFoundError(f"{type(error).__name__}: {error}") from error
        finally:
            code = self._node.stop()
        if code:
            raise FaultFoundError(f"the last stop ended with {code}\n{self._node.log_tail()}")

    async def _cycle(self, cycle: int, *, is_last: bool) -> None:
        end = asyncio.create_task(self._end())
        await asyncio.gather(*[run.session(partial(asyncio.shield, end)) for run in self.runs])
        self._work_while_down()
        self._node.start()
        while self._chance.random() < KILL_AT_START_SHARE:
            await asyncio.sleep(self._chance.uniform(0, 0.6))
            self._node.kill()
            self._work_while_down()
            for run in self.runs:
                run.notes.fault()
            self._node.start()
        self._node.wait_until_ready()
        for run in self.runs:
            if wrong := run.definer.check(self._node.port):
                raise FaultFoundError(f"cycle {cycle}: definitions: {wrong[:5]}")
        if is_last or self._chance.random() < DRAIN_SHARE:
            for run in self.runs:
                self._judge(cycle, run.vhost, await run.drain())

    def _work_while_down(self) -> None:
        for work in self._on_down:
            work(self._chance)

    async def _end(self) -> None:
        longest_s = SESSION_S_MAX if self._chance.random() < 0.8 else LONG_SESSION_S_MAX
        await asyncio.sleep(self._chance.uniform(0.05, longest_s))
        self._node.kill()

    def _judge(self, cycle: int, vhost: str, judgement: Judgement) -> None:
        self.totals.update(judgement.counts)
        line = " ".join(f"{name}={count}" for name, count in judgement.counts.items())
        print(f"cycle={cycle} vhost={vhost} {line} wrong={len(judgement.wrong)}", flush=True)
        if judgement.wrong:
            raise FaultFoundError(f"cycle {cycle}:\n" + "\n".join(judgement.wrong))


def table(totals: Counter[str], cycles: int, elapsed_s: float) -> str:
    """Return the sums of a valid run."""
    lines = [f"{name:<12} {totals[name]:>10}" for name in (*COUNTED, DROPPED)]
    lines += [f"{name:<12} {0:>10}" for name in ("lost", "unexpected", "resurrected", "unflagged")]
    return "\n".join([*lines, f"valid: {cycles} cycles in {elapsed_s:.0f} s"])


def settings_of(durability: str) -> str:
    """Return settings with files as small as they may be."""
    return SETTINGS.format(durability=durability, sync_interval_ms=SYNC_INTERVAL_MS)


def node_of(
    folder: Path,
    port: int,
    durability: str,
    environment: Mapping[str, str] | None = None,
    more: str = "",
) -> Node:
    """Return a HareMQ whose files are as small as they may be; ``more`` are other settings."""
    return Node(folder, port, settings_of(durability) + more, environment)


def power_under(folder: Path) -> PowerCut:
    """Return what cuts the power of a node in ``folder``, which has not run yet."""
    for name in ("data", "power"):
        (folder / name).mkdir()
    return PowerCut(folder / "power", folder / "data")


def kill_again_and_again(
    node: Killable, seed: int, cycles: int, power: PowerCut | None = None
) -> Counter[str]:
    """Run the cycles of a seed on a node without data; return the totals.

    Args:
        node: not started.
        seed: of all choices.
        cycles: how many.
        power: is cut whenever the node is down; None is not to.

    Raises:
        FaultFoundError: something was not as it must be.
    """
    grace_ms = ACK_GRACE_CUT_MS if power else ACK_GRACE_KILL_MS
    loop = KillLoop(node, seed, grace_ms, VHOSTS if isinstance(node, Node) else ("/",))
    works: list[Callable[[random.Random], object]] = [] if power is None else [power.cut]
    if isinstance(node, Node):
        node.settings += LOAD_DEFINITIONS.format(path=_definitions_path(node))
        works.append(partial(_choose_budget, node, node.settings))
        works.append(partial(_choose_policy, node, loop.runs))
        _choose_policy(node, loop.runs, random.Random(seed))
    loop.when_down(*works)
    asyncio.run(loop.run(cycles))
    return loop.totals


def _choose_budget(node: Node, settings: str, chance: random.Random) -> None:
    """Let the node's queues be longer than their memory after this start, or not."""
    node.settings = settings + (LONG_QUEUES if chance.random() < LONG_SHARE else "")


def _definitions_path(node: Node) -> Path:
    return node.folder / "definitions.json"


def _choose_policy(node: Node, runs: Sequence[Run], chance: random.Random) -> None:
    """Let another policy hold after this start."""
    policy = chance.choice(POLICIES)
    text = definitions_of([run.vhost for run in runs], policy)
    _definitions_path(node).write_text(text, encoding="utf-8")
    for run in runs:
        run.live_under(policy)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run, print the totals, and return 1 where a fault was found."""
    parser = argparse.ArgumentParser(prog="python -m tests.crash.kill_loop", description=__doc__)
    parser.add_argument("--cycles", type=int, default=500, help="kills at least; 500")
    parser.add_argument("--seed", type=int, help="of the choices; a new one each time")
    parser.add_argument("--class", dest="durability", choices=("fsync", "os"), default="fsync")
    parser.add_argument("--power-cut", action="store_true", help="take back what was not synced")
    parser.add_argument("--rabbitmq", action="store_true", help="kill Debian's RabbitMQ instead")
    options = parser.parse_args(arguments)
    seed = random.SystemRandom().randrange(1 << 32) if options.seed is None else options.seed
    folder = Path(tempfile.mkdtemp(prefix="haremq-kill-loop-"))
    print(f"seed={seed} class={options.durability} folder={folder}", flush=True)
    begin_s = time.monotonic()
    node: Killable = RabbitNode(RABBITMQ_PORT)
    power = power_under(folder) if options.power_cut else None
    if not options.rabbitmq:
        environment = power.environment if power else None
        node = node_of(folder, free_port(), options.durability, environment)
    try:
        totals = kill_again_and_again(node, seed, options.cycles, power)
    except FaultFoundError as error:
        print(f"INVALID: {error}\nseed={seed}; the data directory is kept in {folder}")
        return 1
    print(table(totals, options.cycles, time.monotonic() - begin_s))
    shutil.rmtree(folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())
