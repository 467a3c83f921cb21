"""The load of an episode: clients of every queue, spread over the nodes, which reconnect anywhere.

A client whose node does not answer connects to the next one, as a program behind a list of
addresses does. Half of the clients are patient: they leave a silent node only after a longer time,
so that what they published before a fault waits for the answer of the new leader.
"""

import threading
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Final, TypeVar

from load_generator.session import Session
from load_generator.streams.session import StreamSession
from load_generator.verifying.client import Consumer, Pace, Publisher, drain
from load_generator.verifying.cluster import Cluster
from load_generator.verifying.faults import HOLD_MS
from load_generator.verifying.history import Action, Kind, Notebook, Row
from load_generator.wire import LoadError

Connection = TypeVar("Connection", Session, StreamSession)
CONNECT_S: Final = 2.0
RETRY_S: Final = 0.1
PATIENT_S: Final = 20.0
QUIET_S: Final = 1.0
"""All confirmed messages have arrived, and none came for so long: the queues are empty."""
EMPTY_PASSES: Final = 3
PASS_S: Final = 2.0


@dataclass(frozen=True, slots=True)
class Shape:
    """How many clients there are, and how long faults hold.

    Attributes:
        queues: their names.
        streams: how the names of streams begin.
        publishers, consumers: of each queue. A stream has as many publishers, and a reader on each
            node. Where nodes speak the stream protocol it has one reader more on each, and two
            publishers more: one has a name, and one has none.
        pace: of all of them.
        hold_ms: the shortest and the longest time that a partition or slowness holds.
    """

    queues: tuple[str, ...] = ("verify-1", "verify-2", "verify-3")
    streams: tuple[str, ...] = ()
    publishers: int = 2
    consumers: int = 2
    pace: Pace = field(default_factory=Pace)
    hold_ms: tuple[int, int] = HOLD_MS


class Workload:
    """The clients of one episode."""

    def __init__(
        self, cluster: Cluster, shape: Shape, notebook: Notebook, choose: Callable[[int], int]
    ) -> None:
        """Set up; ``start`` connects.

        Args:
            cluster: that all queues are declared in.
            shape: how many clients of what.
            notebook: gets all rows.
            choose: returns a number from 0 on that is lower than the given one.
        """
        self._cluster = cluster
        self._shape = shape
        self._notebook = notebook
        self._stop_publishers = threading.Event()
        self._stop_consumers = threading.Event()
        self._publishers: list[threading.Thread] = []
        self._consumers: list[threading.Thread] = []
        for queue in shape.queues:
            first = choose(len(cluster.nodes))
            for number in range(shape.publishers):
                task = (queue, first + number, pace_of(shape, number))
                self._publishers.append(_thread(self._keep_publishing, task))
            for number in range(shape.consumers):
                task = (queue, first + number + 1, pace_of(shape, number))
                self._consumers.append(_thread(self._keep_consuming, task))

    def start(self) -> None:
        """Let all clients begin."""
        for thread in (*self._consumers, *self._publishers):
            thread.start()

    def is_serving(self, since_ms: int) -> bool:
        """Return whether every queue has had a confirm and a delivery since an instant."""
        return is_served(self._notebook.rows, self._shape.queues, since_ms)

    def stop_publishing(self) -> None:
        """Let the publishers wait for their last answers, and end."""
        self._stop_publishers.set()
        for thread in self._publishers:
            thread.join()

    def settle(self, longest_s: float, drain_s: float | None = None) -> list[str]:
        """Wait until what was confirmed has arrived; end the consumers; drain what is left.

        Args:
            longest_s: for the first part.
            drain_s: for the drain; None is as long.

        Returns:
            What was wrong, if anything: consumers did not get what was ready for them, or the
            queues could not be drained.
        """
        drain_s = longest_s if drain_s is None else drain_s
        deadline_s = time.monotonic() + longest_s
        while self._consumers and not self._is_quiet() and time.monotonic() < deadline_s:
            time.sleep(0.1)
        had_consumers, late = bool(self._consumers), self._missing()
        self._stop_consumers.set()
        while self._consumers:
            self._consumers.pop().join()
        failures = self._drain(EMPTY_PASSES if late else 1, time.monotonic() + drain_s)
        found = late & _values(self._notebook.rows, Action.DRAIN)
        if found and had_consumers:
            text = f"{len(found)} messages were ready, and consumers did not get them"
            failures.append(f"{text} in {longest_s:.0f} s")
        return failures

    def _missing(self) -> set[object]:
        """Return what was confirmed and has not arrived at a consumer."""
        rows = self._notebook.rows
        return _values(rows, Action.ENQUEUE) - _values(rows, Action.DELIVER)

    def _is_quiet(self) -> bool:
        rows = self._notebook.rows
        arrivals = (row for row in reversed(rows) if row.action is Action.DELIVER)
        latest = next(arrivals, None)
        if latest is None:
            return not self._missing()
        now_ms = self._notebook.now_ms()
        return now_ms - latest.at_ms > QUIET_S * 1_000 and not self._missing()

    def _drain(self, passes: int, deadline_s: float) -> list[str]:
        """Drain through all nodes until so many passes in a row found nothing.

        Returns:
            Why that could not be; nothing, if it could.
        """
        empty_count = 0
        failure = "no time was left to drain"
        while time.monotonic() < deadline_s:
            got_count, failures = 0, []
            for node in self._cluster.nodes:
                try:
                    with Session(self._cluster.endpoint(node), timeout_s=10.0) as session:
                        got_count += drain(session, self._shape.queues, node, self._notebook)
                except (OSError, LoadError) as error:
                    failures.append(f"{node}: {error}")
            if failures:
                failure = "; ".join(failures)
            empty_count = empty_count + 1 if not got_count and not failures else 0
            if empty_count == passes:
                return []
            time.sleep(PASS_S if passes > 1 else 0.2)
        return [f"the queues could not be drained: {failure}"]

    def _keep_publishing(self, queue: str, place: int, pace: Pace) -> None:
        def publish(session: Session, node: str) -> None:
            publisher = Publisher(session, queue, node, self._notebook, pace)
            try:
                publisher.run(self._stop_publishers)
            finally:
                publisher.give_up()

        keep_connected(self._cluster, place, self._stop_publishers, publish)

    def _keep_consuming(self, queue: str, place: int, pace: Pace) -> None:
        def consume(session: Session, node: str) -> None:
            Consumer(session, queue, node, self._notebook, pace).run(self._stop_consumers)

        keep_connected(self._cluster, place, self._stop_consumers, consume)


def pace_of(shape: Shape, number: int) -> Pace:
    """Return the pace of a client of a queue; those with an odd number are patient."""
    pace = shape.pace
    is_patient = number % 2 == 1
    return replace(pace, silence_s=max(PATIENT_S, pace.silence_s)) if is_patient else pace


def keep_connected(
    cluster: Cluster, place: int, stop: threading.Event, work: Callable[[Session, str], None]
) -> None:
    """Work with one node after another, until told to stop.

    Args:
        cluster: of the nodes.
        place: of the first one, from 0 on; more than there are begins anew.
        stop: tells so; the work ends then, too.
        work: is given a session and the node; it ends when that fails.
    """

    def connected(node: str) -> Session:
        return Session(cluster.endpoint(node), timeout_s=CONNECT_S)

    keep_working(cluster.nodes, connected, place, stop, work)


def keep_working(
    nodes: Sequence[str],
    connected: Callable[[str], Connection],
    place: int,
    stop: threading.Event,
    work: Callable[[Connection, str], None],
) -> None:
    """Do as ``keep_connected`` does, over sessions of any protocol.

    Args:
        nodes: their names.
        connected: returns a session with a node; its block ends with a close.
        place: of the first one, from 0 on; more than there are begins anew.
        stop: tells so; the work ends then, too.
        work: is given a session and the node; it ends when that fails.
    """
    while not stop.is_set():
        node = nodes[place % len(nodes)]
        place += 1
        with suppress(OSError, LoadError), connected(node) as it:
            work(it, node)
        stop.wait(RETRY_S)


def is_served(rows: Sequence[Row], queues: Iterable[str], since_ms: int) -> bool:
    """Return whether each of some queues has had a confirm and a delivery since an instant."""
    missing = {(queue, action) for queue in queues for action in _SIGNS}
    for index in range(len(rows) - 1, -1, -1):
        row = rows[index]
        if row.at_ms < since_ms or not missing:
            break
        if row.value is not None and row.kind is Kind.OK:
            missing.discard((row.value.queue, row.action))
    return not missing


_SIGNS: Final = (Action.ENQUEUE, Action.DELIVER)


def _thread(work: Callable[..., None], task: tuple[str, int, Pace]) -> threading.Thread:
    return threading.Thread(target=work, args=task, daemon=True)


def _values(rows: Sequence[Row], action: Action) -> set[object]:
    return {row.value for row in rows if row.action is action and row.kind is Kind.OK}
