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
only if a round trip on its channel succeeded and the next fault came more than ``ack_grace_ms``
later. A fault may take back ``acks_per_fault_max`` younger ones.

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
    """What a history shows; each field in ascending order of values. See the module."""

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
        ack_grace_ms: acks older than this at a fault may not be taken back.
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
    acked_at_ms: dict[Value, int] = {}
    fault_after: dict[Value, int] = {}  # the first fault since the ack: its index in the history
    waiting: list[Value] = []  # acked, and no fault since
    resurrected: set[Value] = set()
    taken: dict[int, set[Value]] = defaultdict(set)
    for index, row in enumerate(history):
        if row.action is Action.ACK and row.kind is Kind.OK:
            value = _value(row)
            acked_at_ms[value] = row.at_ms
            fault_after.pop(value, None)
            waiting.append(value)
        elif row.action is Action.FAULT:
            fault_after.update((value, index) for value in waiting)
            waiting.clear()
        elif row.action in {Action.DELIVER, Action.DRAIN} and row.value in acked_at_ms:
            value = _value(row)
            fault = fault_after.get(value)
            if fault is None or history[fault].at_ms - acked_at_ms[value] > ack_grace_ms:
                resurrected.add(value)
            else:
                taken[fault].add(value)
    for values in taken.values():
        if len(values) > acks_per_fault_max:
            resurrected |= values
    return resurrected, set().union(*taken.values()) - resurrected


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
