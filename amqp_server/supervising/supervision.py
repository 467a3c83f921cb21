"""Which child is started, ended and told of, and when: decided without a process or a clock.

    stage 0   etcd            ready ─┐
    stage 1   node 1, node 2 …       └─▶ started together; ready ─▶ all are told of

A stage begins once all children of the one before are ready. It ends in the other order: the
children of the last stage are asked to end, and once they are gone those of the stage before. Who
takes longer than it may is killed. What ends without having been asked to is told, and started
again where that is wanted, after a wait that doubles.
"""

import signal
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Final, TypeAlias

READY_MS: Final = 60_000
STOP_MS: Final = 20_000
KILL_MS: Final = 5_000
"""How long a killed child may take to be gone: the system has to write out what it had."""

AGAIN_MS: Final = 1_000
AGAIN_MAX_MS: Final = 30_000
STEADY_MS: Final = 60_000
"""A child that was ready for so long is started again without a longer wait."""


@dataclass(frozen=True, slots=True)
class ChildPlan:
    """A child and its bounds.

    Attributes:
        name: as it is told of; no other child has it.
        command: what is run.
        stage: children of the lowest stage are started first.
        log_file: where its output goes.
        restarts: it is started again when it ends.
        reloads: it gets each SIGHUP, at which it reads its certificates again.
        ready_ms: how long it may take to be ready.
        stop_ms: how long it may take to end, once asked to.
    """

    name: str
    command: tuple[str, ...]
    stage: int
    log_file: Path
    restarts: bool = False
    reloads: bool = False
    ready_ms: int = READY_MS
    stop_ms: int = STOP_MS


@dataclass(frozen=True, slots=True)
class Begin:
    """Start a child."""

    name: str


@dataclass(frozen=True, slots=True)
class End:
    """Ask a child to end (SIGTERM), or kill it."""

    name: str
    is_killed: bool = False


@dataclass(frozen=True, slots=True)
class Tell:
    """Tell the user."""

    text: str


@dataclass(frozen=True, slots=True)
class AllReady:
    """All children are ready, for the first time."""


Order: TypeAlias = Begin | End | Tell | AllReady


class State(Enum):
    """Where a child is in its life."""

    WAITING = "waiting"
    STARTING = "starting"
    READY = "ready"
    ENDING = "ending"
    ENDED = "ended"


class _Child:
    def __init__(self, plan: ChildPlan) -> None:
        self.plan = plan
        self.state = State.WAITING
        self.due_ms: int | None = None
        """When its present state lasts too long, or it is started again; None: no such time."""
        self.ready_at_ms = 0
        self.again_ms = AGAIN_MS
        self.is_killed = False


class Supervision:
    """The children and what becomes of them. Each call returns what is to be done, in order."""

    def __init__(self, plans: Sequence[ChildPlan]) -> None:
        """Wait for ``begin``."""
        self._children = {plan.name: _Child(plan) for plan in plans}
        assert len(self._children) == len(plans) > 0, "children have names of their own"
        self._was_ready = False
        self._is_stopping = False
        self._has_failed = False

    @property
    def is_over(self) -> bool:
        """Whether no child runs, and none will."""
        return self._is_stopping and not any(map(_runs, self._children.values()))

    @property
    def has_failed(self) -> bool:
        """Whether it ended because a child did, and not because it was asked to."""
        return self._has_failed

    def state_of(self, name: str) -> State:
        """Return where a child is in its life."""
        return self._children[name].state

    def begin(self, now_ms: int) -> list[Order]:
        """Start the first stage."""
        return list(self._next_stage(now_ms))

    def is_ready(self, name: str, now_ms: int) -> list[Order]:
        """Take that a child is ready."""
        child = self._children[name]
        if child.state is not State.STARTING:
            return []
        child.state, child.due_ms, child.ready_at_ms = State.READY, None, now_ms
        if self._was_ready:
            return [Tell(f"{name} is back")]
        return list(self._next_stage(now_ms))

    def ended(self, name: str, how: int, now_ms: int) -> list[Order]:
        """Take that a child ended, or could not be started.

        Args:
            name: of the child.
            how: its exit status; below 0 the signal that ended it.
            now_ms: the time.
        """
        child = self._children[name]
        before, child.state, child.due_ms = child.state, State.ENDED, None
        if self._is_stopping:
            return list(self._end_next_stage(now_ms))
        if before is State.ENDING:
            told = f"{name} was not ready in {child.plan.ready_ms // 1000} s, and was killed"
        else:
            told = f"{name} ended: {how_text(how)}; its log: {child.plan.log_file}"
        if not self._was_ready:
            return [Tell(told), *self._give_up(now_ms)]
        if child.plan.restarts:
            if before is State.READY and now_ms - child.ready_at_ms >= STEADY_MS:
                child.again_ms = AGAIN_MS
            child.state, child.due_ms = State.WAITING, now_ms + child.again_ms
            told += f"; it is started again in {child.again_ms // 1000} s"
            child.again_ms = min(2 * child.again_ms, AGAIN_MAX_MS)
            return [Tell(told)]
        last_stage = max(each.plan.stage for each in self._children.values())
        lasting = [each for each in self._children.values() if each.plan.stage == last_stage]
        if any(map(_runs, lasting)):
            return [Tell(told)]
        return [Tell(told), Tell("nothing is left to serve"), *self._give_up(now_ms)]

    def stop(self, now_ms: int) -> list[Order]:
        """Take that all is to end. Asked again, it kills what is left."""
        if not self._is_stopping:
            return list(self._stop(now_ms))
        left = [child for child in self._children.values() if _runs(child) and not child.is_killed]
        return [order for child in left for order in _kill(child, now_ms)]

    def tick(self, now_ms: int) -> list[Order]:
        """Do what is due."""
        orders: list[Order] = []
        for child in self._children.values():
            if child.due_ms is None or child.due_ms > now_ms:
                continue
            name = child.plan.name
            if child.state is State.WAITING:
                orders += _started(child, now_ms)
            elif child.is_killed:
                child.due_ms = None
                orders.append(Tell(f"{name} was killed and is not gone: its disk may hang"))
            else:
                if child.state is State.ENDING:
                    seconds = child.plan.stop_ms // 1000
                    orders.append(Tell(f"{name} did not end in {seconds} s: it is killed"))
                orders += _kill(child, now_ms)
        return orders

    def wait_ms(self, now_ms: int) -> int | None:
        """Return how long until ``tick`` has something to do; None: until something happens."""
        due = [child.due_ms for child in self._children.values() if child.due_ms is not None]
        return max(0, min(due) - now_ms) if due else None

    def _next_stage(self, now_ms: int) -> Iterator[Order]:
        if self._is_stopping:
            return
        children = self._children.values()
        if any(child.state is State.STARTING for child in children):
            return
        waiting = [child for child in children if child.state is State.WAITING]
        if not waiting:
            self._was_ready = True
            yield AllReady()
            return
        stage = min(child.plan.stage for child in waiting)
        for child in waiting:
            if child.plan.stage == stage:
                yield from _started(child, now_ms)

    def _give_up(self, now_ms: int) -> Iterator[Order]:
        self._has_failed = True
        yield from self._stop(now_ms)

    def _stop(self, now_ms: int) -> Iterator[Order]:
        self._is_stopping = True
        for child in self._children.values():
            if child.state is State.WAITING:
                child.state, child.due_ms = State.ENDED, None
        yield from self._end_next_stage(now_ms)

    def _end_next_stage(self, now_ms: int) -> Iterator[Order]:
        left = [child for child in self._children.values() if _runs(child)]
        stage = max((child.plan.stage for child in left), default=0)
        for child in left:
            if child.plan.stage == stage and child.state is not State.ENDING:
                child.state, child.due_ms = State.ENDING, now_ms + child.plan.stop_ms
                yield End(child.plan.name)


def how_text(how: int) -> str:
    """Return how a child ended, in words: ``exit status 3``, ``SIGKILL``."""
    if how >= 0:
        return f"exit status {how}"
    try:
        return signal.Signals(-how).name
    except ValueError:
        return f"signal {-how}"


def _runs(child: _Child) -> bool:
    return child.state in {State.STARTING, State.READY, State.ENDING}


def _started(child: _Child, now_ms: int) -> list[Order]:
    child.state, child.is_killed = State.STARTING, False
    child.due_ms = now_ms + child.plan.ready_ms
    return [Begin(child.plan.name)]


def _kill(child: _Child, now_ms: int) -> list[Order]:
    child.state, child.is_killed = State.ENDING, True
    child.due_ms = now_ms + KILL_MS
    return [End(child.plan.name, is_killed=True)]
