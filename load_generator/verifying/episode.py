"""One episode: load, a fault, recovery, the queues drained, and what the checkers say of it."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from load_generator.verifying.availability import Waits, confirms_by_deposed, waits
from load_generator.verifying.checker import NOTHING, Earlier, Verdict, check
from load_generator.verifying.cluster import Cluster
from load_generator.verifying.faults import Plan, Scene, Step, Verb, draw
from load_generator.verifying.history import Kind, Notebook, Row, Value
from load_generator.verifying.stream_checker import StreamVerdict, check_streams
from load_generator.verifying.stream_workload import StreamBook, StreamWorkload
from load_generator.verifying.workload import Shape, Workload

START_S: Final = 90.0
SERVE_S: Final = 60.0
"""A cluster that is whole must confirm and deliver within this."""
SETTLE_S: Final = 60.0
QUIET_MS: Final = (2_000, 4_000)
"""Load without a fault; longer than the grace of acks."""
AFTER_S: Final = 1.0


@dataclass(frozen=True, slots=True)
class Outcome:
    """How an episode went.

    Attributes:
        number: of the episode; with the seed of the run it plays the same plan again.
        kind: of its fault.
        plan: in words.
        verdict: of the checker of queues.
        waits: how long clients waited.
        deposed: lost, and confirmed after another node had served their queue.
        failures: what went wrong besides: the cluster did not serve again, an odd confirm.
        history: all rows.
        streams: the verdict on them.
    """

    number: int
    kind: str
    plan: str
    verdict: Verdict
    waits: Waits
    deposed: tuple[Value, ...]
    failures: tuple[str, ...]
    history: tuple[Row, ...]
    streams: StreamVerdict = field(default_factory=StreamVerdict)

    @property
    def is_good(self) -> bool:
        """Whether nothing was wrong."""
        return self.verdict.is_valid and self.streams.is_valid and not self.failures


def carry_out(cluster: Cluster, step: Step, sleep: Callable[[float], None] = time.sleep) -> None:
    """Do one step of a plan.

    Args:
        cluster: it is done to.
        step: what.
        sleep: waits for so many seconds.

    Raises:
        TimeoutError: a node that is awaited does not serve, or one that is stopped does not end.
    """
    if step.verb is Verb.WAIT:
        sleep(step.amount / 1_000)
    elif step.verb is Verb.HEAL:
        cluster.heal()
    elif step.verb is Verb.CUT:
        cluster.cut(step.pairs)
    elif step.verb is Verb.LOSE:
        cluster.lose(step.names, step.amount)
    elif step.verb is Verb.LIMIT:
        cluster.limit(step.names, step.amount)
    else:
        for name in step.names:
            _to_one(cluster, step, name)


def _to_one(cluster: Cluster, step: Step, name: str) -> None:
    simple = {
        Verb.KILL: cluster.kill,
        Verb.STOP: cluster.stop,
        Verb.START: cluster.start,
        Verb.FREEZE: cluster.freeze,
        Verb.FREEZE_LEASE: cluster.freeze_lease,
        Verb.THAW: cluster.thaw,
        Verb.WIPE: cluster.wipe,
    }
    if step.verb in simple:
        simple[step.verb](name)
    elif step.verb is Verb.AWAIT:
        cluster.wait_until_ready(name, START_S)
    elif step.verb is Verb.SLOW_DISK:
        cluster.slow_disk(name, step.amount)
    else:
        cluster.shift_clock(name, step.amount)


def restore(cluster: Cluster) -> None:
    """Make a cluster whole again, whatever was done to it.

    Raises:
        TimeoutError: a node does not serve.
    """
    cluster.heal()
    names = (*cluster.stores, *cluster.nodes)
    for name in names:
        cluster.thaw(name)
        cluster.start(name)
    for name in names:
        cluster.wait_until_ready(name, START_S)


class Episode:
    """Runs one episode on a cluster that is whole, with its queues declared."""

    def __init__(
        self,
        cluster: Cluster,
        shape: Shape,
        notebook: Notebook,
        number: int,
        choose: Callable[[int], int],
        book: StreamBook | None = None,
    ) -> None:
        """Prepare.

        Args:
            cluster: to be put to the test.
            shape: the load.
            notebook: its rows are those of this episode alone; its numbers go on.
            number: of the episode.
            choose: draws; returns a number from 0 on that is lower than the given one.
            book: of its streams, likewise; None: it has none.
        """
        self._cluster = cluster
        self._shape = shape
        self._notebook = notebook
        self._number = number
        self._choose = choose
        self._book = book or StreamBook((), Notebook(notebook.now_ms))
        self._names = (*shape.queues, *self._book.names)
        self._failures: list[str] = []

    def run(self, kind: str, earlier: Earlier = NOTHING) -> Outcome:
        """Run it.

        Args:
            kind: of the fault; it fits the cluster.
            earlier: what is known of earlier episodes.
        """
        cluster, shape, choose = self._cluster, self._shape, self._choose
        queues = Workload(cluster, shape, self._notebook, choose)
        streams = StreamWorkload(cluster, shape, self._book, choose)
        loads = (queues, streams)
        for load in loads:
            load.start()
        self._await_service(loads, "before the fault")
        low_ms, high_ms = QUIET_MS
        time.sleep((low_ms + self._choose(high_ms - low_ms)) / 1_000)
        plan = draw(kind, self._scene())
        self._suffer(plan)
        self._await_service(loads, "after all was mended")
        time.sleep(AFTER_S)
        stopped_ms = self._notebook.now_ms()
        for load in loads:
            load.stop_publishing()
        for load in loads:
            self._failures += load.settle(SETTLE_S)
        return self._judge(plan, stopped_ms, earlier)

    def _scene(self) -> Scene:
        cluster = self._cluster
        queue = self._names[self._choose(len(self._names))]
        leader = cluster.leader_of(queue) or cluster.nodes[self._choose(len(cluster.nodes))]
        nodes, stores = tuple(cluster.nodes), tuple(cluster.stores)
        hold_ms = self._shape.hold_ms
        return Scene(nodes, stores, cluster.abilities, leader, self._choose, hold_ms)

    def _suffer(self, plan: Plan) -> None:
        self._notebook.fault(Kind.INVOKE, plan.kind)
        try:
            for step in plan.begin:
                carry_out(self._cluster, step)
            time.sleep(plan.hold_ms / 1_000)
            for step in plan.end:
                carry_out(self._cluster, step)
        except TimeoutError as error:
            self._failures.append(f"during the fault: {error}")
        try:
            restore(self._cluster)
        except TimeoutError as error:
            self._failures.append(f"after the fault: {error}")
        self._notebook.fault(Kind.OK, plan.kind)

    def _await_service(self, loads: Sequence[Workload | StreamWorkload], when: str) -> None:
        since_ms = self._notebook.now_ms()
        deadline_s = time.monotonic() + SERVE_S
        while not all(load.is_serving(since_ms) for load in loads):
            if time.monotonic() > deadline_s:
                text = f"{when}: a queue had no confirm or no delivery for {SERVE_S:.0f} s"
                self._failures.append(text)
                return
            time.sleep(0.05)

    def _judge(self, plan: Plan, stopped_ms: int, earlier: Earlier) -> Outcome:
        book = self._book
        verdict = check(
            self._notebook.rows,
            acks_per_client_max=self._shape.pace.prefetch_count,
            earlier=earlier,
        )
        streams, book.past = check_streams(book.notebook.rows, book.past)
        rows = (*self._notebook.rows, *book.notebook.rows)
        history = tuple(sorted(rows, key=lambda row: row.at_ms))
        return Outcome(
            number=self._number,
            kind=plan.kind.split()[0],
            plan=plan.text(),
            verdict=verdict,
            waits=waits(history, self._names, stopped_ms),
            deposed=tuple(confirms_by_deposed(history, (*verdict.lost, *streams.lost))),
            failures=(*self._failures, *self._notebook.oddities, *book.notebook.oddities),
            history=history,
            streams=streams,
        )
