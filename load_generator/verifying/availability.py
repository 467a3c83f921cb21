"""How long a fault kept clients waiting, and whose confirms came too late.

For each queue the longest time between two confirmed publishes from the beginning of the fault
counts, the fault itself being the first point; of the queues, the longest. Deliveries likewise.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import NamedTuple

from load_generator.verifying.checker import fault_spans
from load_generator.verifying.history import Action, Kind, Row, Value


class Waits(NamedTuple):
    """The longest waits of one fault, in ms.

    Attributes:
        confirm_ms: for a confirmed publish; None: on some queue none came any more.
        deliver_ms: for a delivery; None likewise.
    """

    confirm_ms: int | None
    deliver_ms: int | None


def waits(history: Sequence[Row], queues: Iterable[str], until_ms: int) -> Waits:
    """Return the longest waits since the first fault of a history.

    Args:
        history: with at least one fault.
        queues: that had publishers and consumers all the time.
        until_ms: when the publishers stopped; later rows are not looked at.
    """
    began_ms = fault_spans(history)[0][0]
    confirms: dict[str, list[int]] = defaultdict(list)
    arrivals: dict[str, list[int]] = defaultdict(list)
    for row in history:
        if row.value is None or row.kind is not Kind.OK or not began_ms <= row.at_ms <= until_ms:
            continue
        if row.action is Action.ENQUEUE:
            confirms[row.value.queue].append(row.at_ms)
        elif row.action is Action.DELIVER:
            arrivals[row.value.queue].append(row.at_ms)
    names = list(queues)
    return Waits(
        _longest([_longest_gap(began_ms, confirms[queue]) for queue in names]),
        _longest([_longest_gap(began_ms, arrivals[queue]) for queue in names]),
    )


def _longest_gap(began_ms: int, instants: Sequence[int]) -> int | None:
    if not instants:
        return None
    points = [began_ms, *sorted(instants)]
    return max(after - before for before, after in pairwise(points))


def _longest(gaps: Sequence[int | None]) -> int | None:
    known = [gap for gap in gaps if gap is not None]
    return max(known) if gaps and len(known) == len(gaps) else None


def share(values: Sequence[int], percent: int) -> int:
    """Return the value that ``percent`` of the values do not exceed; 0 of no values."""
    ordered = sorted(values)
    if not ordered:
        return 0
    return ordered[max(0, -(-len(ordered) * percent // 100) - 1)]


def confirms_by_deposed(history: Sequence[Row], lost: Iterable[Value]) -> list[Value]:
    """Return what was lost although a node confirmed it after another one had served its queue.

    A node has served a queue if it confirmed a publish that began after the fault, and that was not
    lost. A confirm by any other node, after that and before all was mended, of a message that the
    successor does not hold, is one by a deposed leader, or in its name.
    """
    missing = set(lost)
    found = []
    for began_ms, mended_ms in fault_spans(history):
        stop_ms = mended_ms if mended_ms is not None else history[-1].at_ms
        served: dict[str, tuple[int, str]] = {}
        began: dict[Value, int] = {}
        for row in history:
            value = row.value
            if value is None or row.action is not Action.ENQUEUE:
                continue
            if row.kind is Kind.INVOKE:
                began[value] = row.at_ms
            elif row.kind is Kind.OK and began_ms <= row.at_ms <= stop_ms:
                if value not in missing:
                    if began.get(value, 0) >= began_ms:
                        served.setdefault(value.queue, (row.at_ms, row.node))
                elif value.queue in served and served[value.queue][1] != row.node:
                    found.append(value)
    return found
