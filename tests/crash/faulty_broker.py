"""A broker of a few lines that writes its own history, and commits one fault on demand.

It stands for every broker that the checkers will judge: right, its histories must pass whatever
the seed; with a fault that really happened, they must not.
"""

import random
from enum import Enum, auto
from itertools import pairwise

from tests.crash.checker import ACK_GRACE_MS
from tests.crash.history import Action, Kind, Row, Value

ACKS_PER_FAULT_MAX = 3
STEPS_COUNT = 120


class Fault(Enum):
    """What a broken broker does once, when there is something to do it with."""

    LOSES_A_CONFIRMED_MESSAGE = auto()
    DELIVERS_WHAT_WAS_NEVER_PUBLISHED = auto()
    TAKES_BACK_AN_OLD_ACK = auto()
    TAKES_BACK_AN_ACK_WITHOUT_A_CRASH = auto()
    TAKES_BACK_TOO_MANY_ACKS = auto()
    FORGETS_THE_FLAG = auto()
    SWAPS_NEW_MESSAGES = auto()
    SWAPS_OLD_MESSAGES = auto()


class FaultyBroker:
    """One queue, two publishers, two consumers.

    Attributes:
        history: what the programs noted.
        has_failed: whether the fault really happened.
    """

    def __init__(self, seed: int, fault: Fault | None = None) -> None:
        self.history: list[Row] = []
        self.has_failed = False
        self._fault = fault
        self._random = random.Random(seed)
        self._now_ms = 0
        self._processes_count = 0
        self._places: dict[Value, int] = {}
        self._ready: list[Value] = []
        self._was_delivered: set[Value] = set()
        self._unconfirmed: list[Value] = []
        self._confirmed: set[Value] = set()
        self._acked: dict[Value, tuple[int, int]] = {}  # when, and how many were published by then
        self._begin_sessions()

    def run(self) -> None:
        """Work a while, and drain."""
        steps = [self._publish] * 4 + [self._confirm, self._deliver, self._deliver]
        steps += [self._ack, self._ack, self._idle]
        for _ in range(STEPS_COUNT):
            self._now_ms += self._random.randrange(50)
            self._random.choice([*steps, self._crash] if self._random.random() < 0.2 else steps)()
            self._misbehave()
        self._confirm()
        self._crash()
        if self._may_fail(Fault.SWAPS_OLD_MESSAGES):
            self._swap(self._ready)
        self._drain()

    def _begin_sessions(self) -> None:
        first = self._processes_count
        self._processes_count += 4
        self._publishers = {first: 0, first + 1: 0}
        self._unacked: dict[int, list[Value]] = {first + 2: [], first + 3: []}

    def _note(
        self,
        process: int,
        kind: Kind,
        action: Action,
        value: Value | None = None,
        *,
        redelivered: bool = False,
    ) -> None:
        self.history.append(Row(self._now_ms, process, kind, action, value, redelivered))

    def _idle(self) -> None:
        self._now_ms += self._random.choice([0, ACK_GRACE_MS + 500])

    def _publish(self) -> None:
        publisher = self._random.choice(list(self._publishers))
        self._publishers[publisher] += 1
        value = Value(publisher, self._publishers[publisher])
        self._note(publisher, Kind.INVOKE, Action.ENQUEUE, value)
        self._places[value] = len(self._places)
        self._ready.append(value)
        self._unconfirmed.append(value)

    def _confirm(self) -> None:
        for value in self._unconfirmed:
            self._note(value.publisher, Kind.OK, Action.ENQUEUE, value)
        self._confirmed.update(self._unconfirmed)
        self._unconfirmed.clear()

    def _deliver(self) -> None:
        if self._ready:
            consumer = self._random.choice(list(self._unacked))
            value = self._ready.pop(0)
            self._unacked[consumer].append(value)
            self._arrive(consumer, Action.DELIVER, value)

    def _arrive(self, consumer: int, action: Action, value: Value) -> None:
        redelivered = value in self._was_delivered
        if redelivered and self._may_fail(Fault.FORGETS_THE_FLAG) and self._was_seen(value):
            self.has_failed = True
            redelivered = False
        self._was_delivered.add(value)
        self._note(consumer, Kind.OK, action, value, redelivered=redelivered)

    def _was_seen(self, value: Value) -> bool:
        return any(row.value == value and row.action is Action.DELIVER for row in self.history)

    def _ack(self) -> None:
        consumer = self._random.choice(list(self._unacked))
        if self._unacked[consumer]:
            value = self._unacked[consumer].pop(0)
            self._note(consumer, Kind.INVOKE, Action.ACK, value)
            self._note(consumer, Kind.OK, Action.ACK, value)
            self._acked[value] = (self._now_ms, len(self._places))

    def _crash(self) -> None:
        for value in self._unconfirmed:
            self._note(value.publisher, Kind.INFO, Action.ENQUEUE, value)
        self._note(-1, Kind.INFO, Action.FAULT)
        held = [value for values in self._unacked.values() for value in values]
        young = [v for v in self._acked if not self._is_safe(v) and v in self._confirmed]
        taken = self._random.sample(young, self._random.randint(0, min(len(young), 3)))
        if self._may_fail(Fault.TAKES_BACK_TOO_MANY_ACKS) and len(young) > ACKS_PER_FAULT_MAX:
            taken, self.has_failed = young, True
        back = {value for value in [*self._ready, *held, *taken] if self._is_kept(value)}
        self._ready = sorted(back, key=self._places.__getitem__)
        self._was_delivered.update(self._ready)
        self._acked.clear()
        self._unconfirmed.clear()
        self._begin_sessions()

    def _is_safe(self, value: Value) -> bool:
        """Return whether an ack is old, and was followed by a publish that was confirmed."""
        at_ms, published_count = self._acked[value]
        places = self._places
        is_followed = any(places[other] >= published_count for other in self._confirmed)
        return self._now_ms - at_ms > ACK_GRACE_MS and is_followed

    def _is_kept(self, value: Value) -> bool:
        return value in self._confirmed or self._random.random() < 0.5

    def _drain(self) -> None:
        for value in self._ready:
            self._arrive(self._processes_count, Action.DRAIN, value)

    def _misbehave(self) -> None:
        fresh = [
            value
            for value in self._ready
            if value in self._confirmed and value not in self._was_delivered
        ]
        old = [value for value in self._acked if self._is_safe(value)]
        consumer = next(iter(self._unacked))
        if self._may_fail(Fault.LOSES_A_CONFIRMED_MESSAGE) and fresh:
            self._ready.remove(self._random.choice(fresh))
            self.has_failed = True
        elif self._may_fail(Fault.DELIVERS_WHAT_WAS_NEVER_PUBLISHED):
            self._arrive(consumer, Action.DELIVER, Value(-1, 1))
            self.has_failed = True
        elif self._may_fail(Fault.TAKES_BACK_AN_OLD_ACK) and old:
            self._crash()
            self._arrive(next(iter(self._unacked)), Action.DELIVER, old[0])
            self.has_failed = True
        elif self._may_fail(Fault.TAKES_BACK_AN_ACK_WITHOUT_A_CRASH) and self._acked:
            self._arrive(consumer, Action.DELIVER, next(iter(self._acked)))
            self.has_failed = True
        elif self._may_fail(Fault.SWAPS_NEW_MESSAGES) and len(fresh) > 1 and self._swap(fresh):
            for value in fresh:
                self._ready.remove(value)
                self._unacked[consumer].append(value)
                self._arrive(consumer, Action.DELIVER, value)

    def _swap(self, values: list[Value]) -> bool:
        """Swap the first two neighbours of one publisher."""
        for at, (first, second) in enumerate(pairwise(values)):
            if first.publisher == second.publisher:
                values[at : at + 2] = [second, first]
                self.has_failed = True
                return True
        return False

    def _may_fail(self, fault: Fault) -> bool:
        return self._fault is fault and not self.has_failed
