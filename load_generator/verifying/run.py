"""A run: episodes from one seed, one after another, on one cluster."""

import random
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from load_generator.verifying.checker import NOTHING
from load_generator.verifying.cluster import Cluster
from load_generator.verifying.episode import Episode, Outcome, restore
from load_generator.verifying.faults import COMBINED, KINDS, fits
from load_generator.verifying.history import Notebook, write_history
from load_generator.verifying.stream_workload import StreamBook
from load_generator.verifying.table import report
from load_generator.verifying.workload import Shape

SHORT_LEFT_OUT: Final = frozenset(
    {"freeze-leader-15", "freeze-leader-60", "freeze-mirror-15", "freeze-store-15"}
    | {"freeze-lease-15", "store-away-60", "rolling-restart", "rolling-stop"}
)
"""Kinds whose episodes take longer than the others."""


def now_ms() -> int:
    """Return the one clock of a run: ms of ``time.monotonic``."""
    return time.monotonic_ns() // 1_000_000


def kinds_for(cluster: Cluster, chosen: Sequence[str] = (), *, is_short: bool = False) -> list[str]:
    """Return the kinds of faults of a run, in the order in which they are dealt.

    Args:
        cluster: that has to be able to have them.
        chosen: names of kinds; none is all, and ``combined`` twice.
        is_short: leave out what takes long.

    Raises:
        ValueError: a chosen kind does not exist, or the cluster cannot have it.
    """
    node_count, abilities = len(cluster.nodes), cluster.abilities
    for kind in chosen:
        if kind != COMBINED and kind not in KINDS:
            raise ValueError(f"no fault is called {kind}; there are {', '.join(KINDS)}, {COMBINED}")
        if not fits(kind, node_count, abilities):
            raise ValueError(f"this cluster cannot have the fault {kind}")
    if chosen:
        return list(chosen)
    names = [kind for kind in KINDS if fits(kind, node_count, abilities)]
    return [
        name for name in (*names, COMBINED, COMBINED) if not (is_short and name in SHORT_LEFT_OUT)
    ]


class Run:
    """Runs episodes and keeps their outcomes.

    Attributes:
        outcomes: of the episodes so far, without the histories of those that were good.
    """

    def __init__(
        self,
        cluster: Cluster,
        shape: Shape,
        seed: int,
        say: Callable[[str], None],
        folder: Path | None = None,
    ) -> None:
        """Prepare; the cluster is whole.

        Args:
            cluster: to be put to the test.
            shape: the load.
            seed: of all draws.
            say: gets a line for each episode, and more for each that was not good.
            folder: gets the histories of those; None keeps none.
        """
        self.outcomes: list[Outcome] = []
        self._cluster = cluster
        self._shape = shape
        self._seed = seed
        self._say = say
        self._folder = folder
        self._notebook = Notebook(now_ms)
        self._earlier = NOTHING
        self._book = StreamBook(shape.streams, Notebook(now_ms))

    def declare(self) -> None:
        """Declare the queues and streams."""
        for queue in self._shape.queues:
            self._cluster.declare(queue)
        self._book.declare(self._cluster)

    def episode(self, number: int, kind: str) -> Outcome:
        """Run one episode, whose draws depend on the seed and its number alone.

        Args:
            number: of the episode.
            kind: of its fault.

        Raises:
            TimeoutError: the cluster is not whole, and cannot be made so.
        """
        restore(self._cluster)
        self._book.turn_over(self._cluster)
        draws = _random(f"{self._seed}-{number}")
        for notebook in (self._notebook, self._book.notebook):
            notebook.rows, notebook.oddities = [], []
        began_ms = now_ms()
        episode = Episode(
            self._cluster, self._shape, self._notebook, number, draws.randrange, self._book
        )
        outcome = episode.run(kind, self._earlier)
        self._earlier = self._earlier.and_of(outcome.verdict)
        self._tell(outcome, now_ms() - began_ms)
        self.outcomes.append(_without_history(outcome))
        return outcome

    def _tell(self, outcome: Outcome, took_ms: int) -> None:
        verdict, streams, waited = outcome.verdict, outcome.streams, outcome.waits
        confirmed_count = len(verdict.confirmed) + len(streams.confirmed)
        changed = f"  offsets changed {len(streams.changed)}" if self._book.names else ""
        self._say(
            f"{outcome.number:4} {outcome.kind:24} {took_ms / 1_000:5.1f} s  confirmed"
            f" {confirmed_count:6,}  lost {len(verdict.lost) + len(streams.lost)}{changed}"
            f"  first confirm {waited.confirm_ms} ms, delivery {waited.deliver_ms} ms"
            f"{'' if outcome.is_good else '  WRONG'}"
        )
        if outcome.is_good:
            return
        self._say(report(outcome, self._seed))
        if self._folder is not None:
            self._folder.mkdir(parents=True, exist_ok=True)
            path = self._folder / f"history-{self._seed}-{outcome.number}.jsonl"
            write_history(path, outcome.history)
            self._say(f"its history: {path}")


def _without_history(outcome: Outcome) -> Outcome:
    return replace(outcome, history=())


def deal(kinds: Sequence[str], seed: int, number: int) -> str:
    """Return the kind of an episode: all kinds come once, in an order of their own, then again."""
    turn, place = divmod(number, len(kinds))
    order = list(kinds)
    _random(f"{seed}-order-{turn}").shuffle(order)
    return order[place]


def _random(seed: str) -> random.Random:
    return random.Random(seed)  # noqa: S311 -- a seed replays the run
