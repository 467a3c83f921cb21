"""Judges what the clients of a cluster saw: what was lost, invented, resurrected, out of place.

    attempts     publishes that were begun
    confirmed    those whose confirm arrived
    delivered    values that arrived at least once
    lost         confirmed and never delivered, not even to the drain at the end     invalid
    unexpected   delivered without having been published before                      invalid
    resurrected  delivered again though its ack was safe                             invalid
    inverted     for the first time, behind a later message of its publisher         invalid
    displaced    the same, where a fault may have put it back into its queue         counted
    unflagged    delivered again without ``redelivered``                             counted
    duplicated   delivered more than once                                            counted
    recovered    delivered, though its confirm never came                            counted
    replayed     acks that a fault took back, within what is allowed                 counted

At-least-once allows the counted ones. A new leader that does not know what the old one had
delivered cannot set ``redelivered``. So that flag is only counted, and so is the order of what was
published before a fault was mended and arrives after it began.

An ack has no reply. It is safe if a round trip on its channel succeeded behind it, and no fault
was near: none began within ``ack_grace_ms`` after it, and none was mended within as long before.
Of the acks near one fault at most ``acks_per_client_max`` for each consumer may come back.

Order: what one consumer sees of one publishing connection, without ``redelivered``, ascends.
"""

from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from typing import Final, NamedTuple

from load_generator.verifying.history import Action, Kind, Row, Value

ACK_GRACE_MS: Final = 2_000
SHOWN_MAX: Final = 5
"""Values of each kind that a text names."""
INVALID: Final = ("lost", "unexpected", "resurrected", "inverted")
_ARRIVALS: Final = frozenset({Action.DELIVER, Action.DRAIN})


class Earlier(NamedTuple):
    """What is known of histories that ended with empty queues and all that arrived acked.

    Attributes:
        publishers: that published then. What arrives of them now is resurrected,
        unseen: except these, which never arrived then. Nobody knows whether they were published.
    """

    publishers: frozenset[int] = frozenset()
    unseen: frozenset[Value] = frozenset()

    def and_of(self, verdict: "Verdict") -> "Earlier":
        """Return what is known once one more history has ended."""
        arrived = frozenset(verdict.delivered)
        publishers = frozenset(value.publisher for value in verdict.attempts)
        unseen = (self.unseen | frozenset(verdict.attempts)) - arrived
        return Earlier(self.publishers | publishers, unseen)


NOTHING: Final = Earlier()


@dataclass(frozen=True, slots=True)
class Verdict:
    """The result; each field in ascending order of values. See the module."""

    attempts: tuple[Value, ...]
    confirmed: tuple[Value, ...]
    delivered: tuple[Value, ...]
    lost: tuple[Value, ...]
    unexpected: tuple[Value, ...]
    resurrected: tuple[Value, ...]
    inverted: tuple[Value, ...]
    displaced: tuple[Value, ...]
    unflagged: tuple[Value, ...]
    duplicated: tuple[Value, ...]
    recovered: tuple[Value, ...]
    replayed: tuple[Value, ...]

    @property
    def is_valid(self) -> bool:
        """Whether nothing happened that must not."""
        return not any(getattr(self, name) for name in INVALID)

    @property
    def lost_in_the_middle(self) -> tuple[Value, ...]:
        """Those lost though a later one of their publisher arrived, which is the worst kind."""
        last: dict[int, int] = {}
        for value in self.delivered:
            last[value.publisher] = max(value.counter, last.get(value.publisher, 0))
        return tuple(value for value in self.lost if value.counter < last.get(value.publisher, 0))

    def text(self) -> str:
        """Return a line for each field: its count, and the first values where it is wrong."""
        lines = []
        for field in fields(self):
            values: tuple[Value, ...] = getattr(self, field.name)
            line = f"{field.name:<12} {len(values):>9}"
            if field.name in INVALID and values:
                line += "  " + " ".join(":".join(map(str, one)) for one in values[:SHOWN_MAX])
            lines.append(line)
        lines.append(f"{'middle':<12} {len(self.lost_in_the_middle):>9}")
        return "\n".join([*lines, "valid" if self.is_valid else "INVALID"])


def check(
    history: Sequence[Row],
    *,
    acks_per_client_max: int,
    ack_grace_ms: int = ACK_GRACE_MS,
    earlier: Earlier = NOTHING,
) -> Verdict:
    """Judge a history.

    Args:
        history: rows in the order in which they were noted.
        acks_per_client_max: acks of one consumer that one fault may take back: its prefetch.
        ack_grace_ms: see the module.
        earlier: what is known of earlier histories.
    """
    counts: Counter[Value] = Counter()
    seen = _Seen(fault_spans(history))
    acks = _Acks(history, acks_per_client_max, ack_grace_ms)
    for row in history:
        if row.value is None:
            continue
        if row.action in _ARRIVALS:
            if row.value.publisher in earlier.publishers:
                if row.value not in earlier.unseen or row.value in counts:
                    acks.resurrected.add(row.value)
                counts[row.value] += 1
                continue
            acks.arrived(row, row.value)
            seen.arrived(row, row.value)
            counts[row.value] += 1
        elif row.action is Action.ENQUEUE:
            seen.published(row, row.value)
        elif row.kind is Kind.OK:
            acks.acked(row, row.value)
    acks.close()
    return Verdict(
        attempts=_sorted(seen.attempts),
        confirmed=_sorted(seen.confirmed),
        delivered=_sorted(counts),
        lost=_sorted(seen.confirmed - set(counts)),
        unexpected=_sorted(seen.unexpected),
        resurrected=_sorted(acks.resurrected),
        inverted=_sorted(seen.inverted),
        displaced=_sorted(seen.displaced),
        unflagged=_sorted(seen.unflagged),
        duplicated=_sorted(value for value, count in counts.items() if count > 1),
        recovered=_sorted((set(counts) & set(seen.attempts)) - seen.confirmed),
        replayed=_sorted(acks.replayed - acks.resurrected),
    )


def fault_spans(history: Iterable[Row]) -> list[tuple[int, int | None]]:
    """Return when each fault began and was mended, in ms; None: it was not."""
    spans: list[tuple[int, int | None]] = []
    for row in history:
        if row.action is not Action.FAULT:
            continue
        if row.kind is Kind.INVOKE:
            spans.append((row.at_ms, None))
        elif spans:
            spans[-1] = (spans[-1][0], row.at_ms)
    return spans


def _sorted(values: Iterable[Value]) -> tuple[Value, ...]:
    return tuple(sorted(set(values)))


class _Seen:
    """Which publishes began and were confirmed, and in which order what arrived."""

    def __init__(self, spans: Sequence[tuple[int, int | None]]) -> None:
        self.attempts: dict[Value, int] = {}
        self.confirmed: set[Value] = set()
        self.unexpected: set[Value] = set()
        self.unflagged: set[Value] = set()
        self.inverted: set[Value] = set()
        self.displaced: set[Value] = set()
        self._spans = spans
        self._arrived: set[Value] = set()
        self._last: dict[tuple[int, int], int] = {}

    def published(self, row: Row, value: Value) -> None:
        if row.kind is Kind.INVOKE:
            assert value not in self.attempts, f"{value} is published twice"
            self.attempts[value] = row.at_ms
        elif row.kind is Kind.OK:
            self.confirmed.add(value)

    def arrived(self, row: Row, value: Value) -> None:
        if value not in self.attempts:
            self.unexpected.add(value)
        if value in self._arrived:
            if not row.redelivered:
                self.unflagged.add(value)
            return
        self._arrived.add(value)
        if row.redelivered:
            return
        lane = (row.client, value.publisher)
        last = self._last.get(lane, 0)
        if value.counter < last:
            (self.displaced if self._is_excused(row, value) else self.inverted).add(value)
        self._last[lane] = max(last, value.counter)

    def _is_excused(self, row: Row, value: Value) -> bool:
        """Return whether a fault came between, or may have, as far as clients can tell."""
        published_ms = self.attempts.get(value, row.at_ms)
        return any(
            began_ms <= row.at_ms and (mended_ms is None or published_ms <= mended_ms)
            for began_ms, mended_ms in self._spans
        )


class _Acks:
    """Which acks a fault may have taken back."""

    def __init__(self, history: Sequence[Row], acks_per_client_max: int, grace_ms: int) -> None:
        self.resurrected: set[Value] = set()
        self.replayed: set[Value] = set()
        self._acks_per_client_max = acks_per_client_max
        self._spans = [
            (began_ms - grace_ms, began_ms, None if mended_ms is None else mended_ms + grace_ms)
            for began_ms, mended_ms in fault_spans(history)
        ]
        self._starts = [span[0] for span in self._spans]
        self._acked: dict[Value, Row] = {}
        self._clients: dict[int, set[int]] = defaultdict(set)
        self._taken: dict[int, set[Value]] = defaultdict(set)

    def acked(self, row: Row, value: Value) -> None:
        self._acked[value] = row
        fault = self._near(row.at_ms)
        if fault is not None:
            self._clients[fault].add(row.client)

    def arrived(self, row: Row, value: Value) -> None:
        ack = self._acked.get(value)
        if ack is None:
            return
        fault = self._near(ack.at_ms)
        if fault is None or row.at_ms < self._spans[fault][1]:
            self.resurrected.add(value)
        else:
            self._taken[fault].add(value)

    def close(self) -> None:
        for fault, values in self._taken.items():
            allowed = self._acks_per_client_max * len(self._clients[fault])
            if len(values) > allowed:
                self.resurrected |= values
            self.replayed |= values

    def _near(self, at_ms: int) -> int | None:
        """Return the latest fault that may have taken back an ack of this time."""
        index = bisect_right(self._starts, at_ms) - 1
        if index < 0:
            return None
        stop_ms = self._spans[index][2]
        return index if stop_ms is None or at_ms <= stop_ms else None
