"""Judges a history of one queue: what was lost, invented, resurrected or out of place.

    attempts     publishes that were begun
    confirmed    those whose confirm arrived
    delivered    values that arrived at least once
    lost         confirmed and never delivered                                        invalid
    unexpected   delivered without having been published before                       invalid
    resurrected  delivered again though its ack was safe                              invalid
    unflagged    delivered again without ``redelivered``                              invalid
    inverted     delivered behind a later message of its publisher, without a reason  invalid
    duplicated   delivered more than once
    recovered    delivered, though its confirm never came
    replayed     acks that a fault took back, within what is allowed

Duplicates and the recovered are what at-least-once means. An ack has no reply: it counts as safe
only if a round trip on its channel succeeded, the next fault came more than ``ack_grace_ms`` later,
and a message that was published since was confirmed before it, so that no stop of the disk or of
the machine makes an ack look old. A fault may take back ``acks_per_fault_max`` others.

Order: what one consumer sees of one publisher for the first time is in the order of publishing;
and so is all that the drain sees, since a message that came back takes its old place.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from typing import Final

from tests.crash.history import Action, Kind, Row, Value

ACK_GRACE_MS: Final = 2_000
SHOWN_MAX: Final = 5
"""Values of each kind that a table names."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """The result of a history; each field in ascending order of values. See the module."""

    attempts: tuple[Value, ...]
    confirmed: tuple[Value, ...]
    delivered: tuple[Value, ...]
    lost: tuple[Value, ...]
    unexpected: tuple[Value, ...]
    resurrected: tuple[Value, ...]
    unflagged: tuple[Value, ...]
    inverted: tuple[Value, ...]
    duplicated: tuple[Value, ...]
    recovered: tuple[Value, ...]
    replayed: tuple[Value, ...]

    @property
    def is_valid(self) -> bool:
        """Whether nothing happened that must not."""
        return not any(getattr(self, name) for name in INVALID)

    @property
    def lost_in_the_middle(self) -> tuple[Value, ...]:
        """Those lost though a later one of the same publisher arrived: no torn tail explains it."""
        last: dict[int, int] = {}
        for value in self.delivered:
            last[value.publisher] = max(value.counter, last.get(value.publisher, 0))
        return tuple(value for value in self.lost if value.counter < last.get(value.publisher, 0))

    def table(self) -> str:
        """Return a line for each field: its count, and the first values where it is wrong."""
        lines = []
        for field in fields(self):
            values: tuple[Value, ...] = getattr(self, field.name)
            line = f"{field.name:<12} {len(values):>9}"
            if field.name in INVALID and values:
                shown = " ".join(f"{one.publisher}-{one.counter}" for one in values[:SHOWN_MAX])
                line += f"  {shown}{' ...' if len(values) > SHOWN_MAX else ''}"
            lines.append(line)
        lines.append(f"{'middle':<12} {len(self.lost_in_the_middle):>9}")
        lines.append("valid" if self.is_valid else "INVALID")
        return "\n".join(lines)


INVALID: Final = ("lost", "unexpected", "resurrected", "unflagged", "inverted")


def check(
    history: Sequence[Row], *, acks_per_fault_max: int, ack_grace_ms: int = ACK_GRACE_MS
) -> Verdict:
    """Judge a history.

    Args:
        history: rows in the order they were noted; every value is published once.
        acks_per_fault_max: acks that one fault may take back: prefetch times consumers.
        ack_grace_ms: an ack older than this at a fault, with a later publish confirmed, is safe.
    """
    attempts = _values(history, Action.ENQUEUE, Kind.INVOKE)
    assert len(set(attempts)) == len(attempts), "a value is published once"
    confirmed = set(_values(history, Action.ENQUEUE, Kind.OK))
    deliveries = [row for row in history if row.action in {Action.DELIVER, Action.DRAIN}]
    counts = Counter(_value(row) for row in deliveries)
    unexpected = _unexpected(history)
    known = set(counts) & set(attempts)
    resurrected, replayed = _taken_back(history, acks_per_fault_max, ack_grace_ms)
    return Verdict(
        attempts=_sorted(attempts),
        confirmed=_sorted(confirmed),
        delivered=_sorted(counts),
        lost=_sorted(confirmed - set(counts)),
        unexpected=_sorted(unexpected),
        resurrected=_sorted(resurrected),
        unflagged=_sorted(_unflagged(deliveries)),
        inverted=_sorted(_inverted(deliveries)),
        duplicated=_sorted(value for value, count in counts.items() if count > 1),
        recovered=_sorted(known - confirmed),
        replayed=_sorted(replayed),
    )


def _sorted(values: Iterable[Value]) -> tuple[Value, ...]:
    return tuple(sorted(set(values)))


def _value(row: Row) -> Value:
    assert row.value is not None, "only a fault has no value"
    return row.value


def _values(history: Sequence[Row], action: Action, kind: Kind) -> list[Value]:
    return [_value(row) for row in history if row.action is action and row.kind is kind]


def _unexpected(history: Sequence[Row]) -> set[Value]:
    published: set[Value] = set()
    unexpected: set[Value] = set()
    for row in history:
        if row.action is Action.ENQUEUE and row.kind is Kind.INVOKE:
            published.add(_value(row))
        elif row.action in {Action.DELIVER, Action.DRAIN} and row.value not in published:
            unexpected.add(_value(row))
    return unexpected


def _taken_back(
    history: Sequence[Row], acks_per_fault_max: int, ack_grace_ms: int
) -> tuple[set[Value], set[Value]]:
    """Return the values delivered after a safe ack, and those whose ack a fault took back."""
    acks = _Acks(history, ack_grace_ms)
    resurrected: set[Value] = set()
    taken: dict[int, set[Value]] = defaultdict(set)
    for index, row in enumerate(history):
        acks.note(index, row)
        if row.action in {Action.DELIVER, Action.DRAIN} and row.value in acks.acked:
            value = _value(row)
            fault = acks.taken_back_by(value)
            if fault is None:
                resurrected.add(value)
            else:
                taken[fault].add(value)
    for values in taken.values():
        if len(values) > acks_per_fault_max:
            resurrected |= values
    return resurrected, set().union(*taken.values()) - resurrected


class _Acks:
    """Which acks a fault may take back; rows are noted in their order.

    Attributes:
        acked: the index in the history of each value's ack.
    """

    def __init__(self, history: Sequence[Row], ack_grace_ms: int) -> None:
        self._history = history
        self._ack_grace_ms = ack_grace_ms
        self._published: dict[Value, int] = {}
        self._confirmed_index = -1  # of the latest publish that was confirmed
        self._waiting: list[Value] = []  # acked, and no fault since
        self._fault_after: dict[Value, int | None] = {}  # None: the ack was safe by then
        self.acked: dict[Value, int] = {}

    def note(self, index: int, row: Row) -> None:
        if row.action is Action.FAULT:
            self._note_fault(index)
        elif row.action is Action.ENQUEUE and row.kind is Kind.INVOKE:
            self._published[_value(row)] = index
        elif row.action is Action.ENQUEUE and row.kind is Kind.OK:
            published_index = self._published.get(_value(row), -1)
            self._confirmed_index = max(self._confirmed_index, published_index)
        elif row.action is Action.ACK and row.kind is Kind.OK:
            self.acked[_value(row)] = index
            self._fault_after.pop(_value(row), None)
            self._waiting.append(_value(row))

    def taken_back_by(self, value: Value) -> int | None:
        """Return the fault that may have taken back this value's ack; None is no fault."""
        return self._fault_after.get(value)

    def _note_fault(self, index: int) -> None:
        for value in self._waiting:
            ack_index = self.acked[value]
            age_ms = self._history[index].at_ms - self._history[ack_index].at_ms
            is_safe = age_ms > self._ack_grace_ms and ack_index < self._confirmed_index
            self._fault_after[value] = None if is_safe else index
        self._waiting.clear()


def _unflagged(deliveries: Sequence[Row]) -> set[Value]:
    seen: set[Value] = set()
    unflagged: set[Value] = set()
    for row in deliveries:
        value = _value(row)
        if value in seen and not row.redelivered:
            unflagged.add(value)
        seen.add(value)
    return unflagged


def _inverted(deliveries: Sequence[Row]) -> set[Value]:
    last: dict[tuple[int, int], int] = {}
    inverted: set[Value] = set()
    for row in deliveries:
        value = _value(row)
        lane = (row.process, value.publisher)
        if row.redelivered and row.action is not Action.DRAIN:
            continue
        if value.counter < last.get(lane, value.counter):
            inverted.add(value)
        last[lane] = max(value.counter, last.get(lane, value.counter))
    return inverted
