"""A proof from its wish to its end: the cluster, its load, its faults, and what came of it."""

import signal
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any, Final

from amqp_server.proving.nodes import ProvedNodes
from amqp_server.proving.settings import lines_of, taken_over
from amqp_server.supervising.folder import found_etcd, opened_folder
from load_generator.verifying.client import Pace
from load_generator.verifying.cluster import Cluster
from load_generator.verifying.episode import Outcome
from load_generator.verifying.faults import HOLD_MS, KINDS, fits
from load_generator.verifying.run import SHORT_LEFT_OUT, Run, deal, kinds_for, now_ms
from load_generator.verifying.workload import Shape
from load_generator.wire import FieldValue, LoadError

LONG_MINUTES: Final = 10
"""A proof of so many minutes has faults, too, that take a minute or more each."""
SHORT_HOLD_MS: Final = (4_500, 6_000)
QUEUES: Final = ("verify-1", "verify-2", "verify-3")
STREAMS: Final = ("verify-stream-1", "verify-stream-2", "verify-stream-3")
STREAM: Final = "stream"
KILL, STOP, FREEZE, CUT = "kill", "stop", "freeze", "cut"

CLASSES: Final[Mapping[str, str]] = {
    **{kind: KILL for kind in KINDS if kind.startswith("kill-")},
    **dict.fromkeys(("store-away-60", "rolling-restart", "wipe-mirror"), KILL),
    **dict.fromkeys(("stop-leader", "rolling-stop"), STOP),
    **{kind: FREEZE for kind in KINDS if kind.startswith("freeze-")},
    **dict.fromkeys(("random-halves", "random-node", "majorities-ring", "bridge"), CUT),
    **{kind: CUT for kind in KINDS if kind.startswith(("isolate-", "leader-"))},
}
"""What a user calls each kind of fault."""


class NoFaultError(Exception):
    """The cluster can have none of the faults that are asked for."""


class ClusterFailedError(Exception):
    """The cluster does not serve, though nothing was done to it; the text says what was seen."""


class _StoppedError(BaseException):
    """The user asked for the end: SIGINT, SIGTERM or SIGHUP."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


@dataclass(frozen=True, slots=True)
class Wish:
    """What a user asks for.

    Attributes:
        minutes: no episode begins later; at least one is played.
        seed: of all draws.
        node_count: how many nodes.
        only: values of ``CLASSES``; none is all, and two faults at once besides.
        queue_type: of the queues under load, beside which there is a stream; or ``STREAM``.
        rate_per_s: publishes of each publisher; two to each queue and stream.
        episode: play this one alone; None: from 0 on.
        folder: see ``folder.opened_folder``; None is a new one in the system's place for such.
        kept: gets logs and histories where anything was wrong; None keeps none.
        raw: the user's settings, as the file says them.
    """

    minutes: float
    seed: int
    node_count: int = 3
    only: tuple[str, ...] = ()
    queue_type: str = "quorum"
    rate_per_s: int = 300
    episode: int | None = None
    folder: Path | None = None
    kept: Path | None = None
    raw: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Proof:
    """What came of it.

    Attributes:
        outcomes: of the episodes that were played to their end.
        complaints: errors and exceptions in the logs of nodes.
        failure: why it could not go on; empty where it could.
        signal: that ended it early; None: none did.
    """

    outcomes: Sequence[Outcome]
    complaints: Sequence[str] = ()
    failure: str = ""
    signal: int | None = None

    @property
    def is_good(self) -> bool:
        """Whether nothing was wrong in any episode, and all of them could be played."""
        return not self.failure and all(outcome.is_good for outcome in self.outcomes)


def kinds_of(wish: Wish, cluster: Cluster) -> list[str]:
    """Return the kinds of faults that a cluster gets.

    Raises:
        NoFaultError: there is none.
    """
    is_short = wish.minutes < LONG_MINUTES
    if not wish.only:
        return kinds_for(cluster, is_short=is_short)
    kinds = [
        kind
        for kind, name in CLASSES.items()
        if name in wish.only
        and fits(kind, len(cluster.nodes), cluster.abilities)
        and not (is_short and kind in SHORT_LEFT_OUT)
    ]
    if not kinds:
        raise NoFaultError(
            f"a cluster of {wish.node_count} can have no fault of {', '.join(wish.only)}"
        )
    return kinds


def load_of(queue_type: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the queues and the streams under load: three queues and a stream, or three streams.

    Args:
        queue_type: that is asked for.
    """
    return ((), STREAMS) if queue_type == STREAM else (QUEUES, STREAMS[:1])


def prove(wish: Wish, say: Callable[[str], None]) -> Proof:
    """Start a cluster, put it to the test, and end it.

    Args:
        wish: what is asked for.
        say: gets lines for the user.

    Raises:
        NoEtcdError, FolderError, NoFaultError, SettingsError: nothing was started.
        ClusterFailedError: it does not serve.
        OSError: a file cannot be written, or an address not be had.
    """
    etcd = found_etcd()
    taken = taken_over(wish.raw)
    outcomes: list[Outcome] = []
    with opened_folder(wish.folder, keeps=False) as folder, _stopped_by_signals() as ignore:
        cluster = None
        try:
            arguments: Mapping[str, FieldValue] = {"x-queue-type": wish.queue_type}
            cluster = ProvedNodes(
                folder, wish.node_count, etcd, taken.sections, queue_arguments=arguments
            )
            kinds = kinds_of(wish, cluster)
            for line in (f"seed: {wish.seed}", f"folder: {folder}", *lines_of(taken)):
                say(line)
            failure = _play(cluster, wish, kinds, outcomes, say)
            ignore()
            return _ended(cluster, wish, Proof(outcomes, cluster.complaints(), failure))
        except _StoppedError as error:
            complaints = cluster.complaints() if cluster is not None else ()
            return Proof(outcomes, complaints, signal=error.number)
        finally:
            ignore()
            if cluster is not None:
                cluster.close()


def _play(
    cluster: ProvedNodes,
    wish: Wish,
    kinds: Sequence[str],
    outcomes: list[Outcome],
    say: Callable[[str], None],
) -> str:
    """Play episodes; return why that could not go on, or nothing."""
    hold_ms = HOLD_MS if wish.minutes >= LONG_MINUTES else SHORT_HOLD_MS
    queues, streams = load_of(wish.queue_type)
    shape = Shape(queues, streams, pace=Pace(rate_per_s=wish.rate_per_s), hold_ms=hold_ms)
    try:
        cluster.launch()
        say(f"{len(cluster.nodes)} nodes and an etcd serve")
        run = Run(cluster, shape, wish.seed, say, wish.kept)
        run.declare()
    except (TimeoutError, LoadError) as error:
        raise ClusterFailedError(f"the cluster does not serve: {error}") from error
    until_ms = now_ms() + wish.minutes * 60_000
    number = wish.episode or 0
    try:
        while True:
            outcomes.append(run.episode(number, deal(kinds, wish.seed, number)))
            number += 1
            if wish.episode is not None or now_ms() >= until_ms:
                return ""
    except TimeoutError as error:
        return f"the cluster is not whole again: {error}"


def _ended(cluster: ProvedNodes, wish: Wish, proof: Proof) -> Proof:
    if wish.kept is not None and not proof.is_good:
        cluster.keep_logs(wish.kept)
    return proof


@contextmanager
def _stopped_by_signals() -> Iterator[Callable[[], None]]:
    """Have signals that ask for the end raised as ``_StoppedError``, once.

    Yields:
        What to call before the end: from then on they are ignored, so that it is a whole one.
    """
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

    def ignore() -> None:
        for number in numbers:
            signal.signal(number, lambda *_: None)

    def stop(number: int, _frame: FrameType | None) -> None:
        ignore()
        raise _StoppedError(number)

    before = {number: signal.signal(number, stop) for number in numbers}
    try:
        yield ignore
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
