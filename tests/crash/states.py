"""Crash states of the storage, as many as wanted: each is recovered and compared with a model.

Now and then a life is without room on its disk, or without descriptors or memory to open a file.

python -m tests.crash.states --states 100000 --seed 1
python -m tests.crash.states --states 100000 --seed 1 --queues
python -m tests.crash.states --states 100000 --seed 1 --moves
python -m tests.crash.states --states 100000 --seed 1 --delays
python -m tests.crash.states --states 100000 --seed 1 --deduplication
python -m tests.crash.states --states 100000 --seed 1 --present-keys
python -m tests.crash.states --states 100000 --seed 1 --streams
python -m tests.crash.states --states 100000 --seed 1 --compaction
python -m tests.crash.states --states 100000 --seed 1 --replicas
python -m tests.crash.states --states 100000 --seed 1 --mirrored-streams
python -m tests.crash.states --states 100000 --seed 1 --waiting
"""

import argparse
import errno
import random
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress

from persistence.errors import FatalStorageError
from tests.crash.compacted_life import CompactedLife
from tests.crash.deduplicating_life import DeduplicatingLife
from tests.crash.deduplicating_queue_life import DeduplicatingQueueLife
from tests.crash.delay_life import DelayLife
from tests.crash.life import Life, restart
from tests.crash.mirrored_stream_life import MirroredStreamLife
from tests.crash.move_life import MoveLife
from tests.crash.queue_life import QueueLife
from tests.crash.replica_life import ReplicaLife
from tests.crash.stream_life import StreamLife
from tests.crash.waiting_life import WaitingLife
from tests.support.fault_fs import FaultFS, Kind, Operation, PowerCutError

STEPS_PER_LIFE = 60
LIVES_PER_SEED = 3
LOOK_SHARE = 0.25
"""After how many of the disk's operations a crash is looked at."""

STATES_PER_LOOK = 3
FULL_SHARE = 0.03
"""After how many steps the disk has no space for a while."""

SHORT_SHARE = 0.05
"""After how many steps nothing can be opened for a while, for want of descriptors or memory."""

SHORTAGES = (errno.EMFILE, errno.ENFILE, errno.ENOMEM)

FAILED_SYNC_SHARE = 0.003
"""After how many steps the next sync fails, which ends the life."""


class Trial:
    """A few lives on one disk, all drawn from one seed.

    Attributes:
        kinds: of every crash state that was looked at and kept all promises.
    """

    def __init__(self, seed: int, kind_of_life: type[Life] = Life) -> None:
        self.kinds: list[str] = []
        self._draw = random.Random(seed)
        self._chance = random.Random(seed + 1)
        self._shortage = random.Random(seed + 2)
        self._disk = FaultFS()
        self._life = kind_of_life(self._disk, self._draw)

    def run(self) -> None:
        """Live.

        Raises:
            AssertionError: a promise was broken.
        """
        for _ in range(LIVES_PER_SEED):
            self._disk.after_each = self._look
            has_failed = self._live()
            self._disk.after_each = None
            # After a failed sync the page cache holds what the disk has not, so that a process that
            # only starts again would believe it: there the machine goes down.
            is_killed = self._draw.random() < 0.3 and not has_failed
            left = self._disk.killed() if is_killed else self._disk.crash(self._draw.randrange)
            self._disk = left
            self._life = restart(self._life, left, power_was_lost=not is_killed)
            self.kinds.append("lived on after " + ("a kill" if is_killed else "a power cut"))

    def _live(self) -> bool:
        """Take the steps of a life; return whether a sync failed, which ends it."""
        try:
            for _ in range(STEPS_PER_LIFE):
                self._make_trouble()
                self._life.step()
        except FatalStorageError:
            return True
        return False

    def _make_trouble(self) -> None:
        writes = (Kind.WRITE, Kind.CREATE, Kind.MAKE_DIRECTORY, Kind.RENAME)
        if self._draw.random() < FULL_SHARE:
            self._disk.fail_at(
                lambda operation: operation.kind in writes,
                errno.ENOSPC,
                times=self._draw.randrange(1, 4),
            )
        if self._shortage.random() < SHORT_SHARE:
            times = self._shortage.randrange(1, 4)
            self._disk.fail_at(self._opens, self._shortage.choice(SHORTAGES), times=times)
        if self._draw.random() < FAILED_SYNC_SHARE:
            self._disk.fail_at(lambda operation: operation.kind is Kind.SYNC, errno.EIO)

    def _opens(self, operation: Operation) -> bool:
        if operation.kind is Kind.OPEN:
            return self._life.asks_again or not operation.path.startswith("queues/")
        return operation.kind in {Kind.CREATE, Kind.MAKE_DIRECTORY}

    def _look(self, operation: Operation) -> None:
        """Look at some states that a crash after this operation may leave; the life goes on."""
        if self._chance.random() >= LOOK_SHARE:
            return
        for left in self._disk.crash_states(STATES_PER_LOOK, seed=operation.number):
            if self._chance.random() < 0.2:
                self._crash_in_recovery(left)
            restart(self._life, left, power_was_lost=True, draw=self._chance)
            self.kinds.append(f"power lost after {operation.kind.name}")
        if self._chance.random() < 0.5:
            self._crash_in_recovery(self._disk.killed())
        # With the pages that a refused sync gave up goes what class os had confirmed.
        is_as_cut = self._disk.has_refused_sync
        restart(self._life, self._disk.killed(), power_was_lost=is_as_cut, draw=self._chance)
        self.kinds.append(f"killed after {operation.kind.name}")

    def _crash_in_recovery(self, disk: FaultFS) -> None:
        """Cut the power while the node starts, then check what the next start finds."""
        disk.halt_after = self._chance.randrange(12)
        with suppress(PowerCutError):
            type(self._life)(disk, self._chance)
        disk.halt_after = None
        left = disk.crash(self._chance.randrange)
        restart(self._life, left, power_was_lost=True, draw=self._chance)
        self.kinds.append("power lost again while starting")


def crash_states(
    first_seed: int, count: int, kind_of_life: type[Life] = Life
) -> Iterator[tuple[int, Counter[str]]]:
    """Yield (seed, states by kind), seed by seed, until so many states have been looked at.

    Raises:
        AssertionError: a promise was broken.
    """
    seed, total = first_seed, 0
    while total < count:
        trial = Trial(seed, kind_of_life)
        try:
            trial.run()
        except AssertionError as error:
            raise AssertionError(f"seed {seed}: {error}") from error
        yield seed, Counter(trial.kinds)
        total += len(trial.kinds)
        seed += 1


def main() -> None:
    """Look at so many states, then write how many of which kind there were."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--states", type=int, default=5_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--delays", action="store_true", help="messages that wait for their time")
    parser.add_argument("--deduplication", action="store_true", help="keys that were seen")
    parser.add_argument("--present-keys", action="store_true", help="keys of messages in a queue")
    parser.add_argument("--moves", action="store_true", help="dead letters on their way")
    parser.add_argument("--queues", action="store_true", help="long queues on top of the logs")
    parser.add_argument("--streams", action="store_true", help="streams beside queues")
    parser.add_argument("--compaction", action="store_true", help="streams that are compacted")
    parser.add_argument("--replicas", action="store_true", help="replicas of mirrored queues")
    parser.add_argument("--mirrored-streams", action="store_true", help="replicas of streams")
    parser.add_argument("--waiting", action="store_true", help="what waits in a cluster")
    arguments = parser.parse_args()
    kinds: Counter[str] = Counter()
    last_seed = arguments.seed
    asked = (
        (arguments.delays, DelayLife),
        (arguments.deduplication, DeduplicatingLife),
        (arguments.present_keys, DeduplicatingQueueLife),
        (arguments.moves, MoveLife),
        (arguments.queues, QueueLife),
        (arguments.streams, StreamLife),
        (arguments.compaction, CompactedLife),
        (arguments.replicas, ReplicaLife),
        (arguments.mirrored_streams, MirroredStreamLife),
        (arguments.waiting, WaitingLife),
    )
    kinds_of_life = [kind for is_asked, kind in asked if is_asked]
    kind_of_life = kinds_of_life[0] if kinds_of_life else Life
    found_states = crash_states(arguments.seed, arguments.states, kind_of_life)
    for last_seed, found in found_states:  # noqa: B007
        kinds += found
    lines = [f"{count:>8} {kind}" for kind, count in sorted(kinds.items())]
    lines.append(
        f"{kinds.total():>8} states, seeds {arguments.seed} to {last_seed}: all promises kept"
    )
    sys.stdout.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
