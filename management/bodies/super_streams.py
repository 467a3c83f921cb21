"""A super stream as JSON: its partitions, and where each group of readers is in each of them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from amqp_server.broker.views import BindingView, ExchangeView, QueueView, StreamSegments
from management.samples.details import Looks, Numbers, rate_of
from management.samples.series import QUEUE_STATS

SUPER_STREAM: Final = "x-super-stream"
ORDER: Final = "x-stream-partition-order"
KEYS_MAX: Final = 5
"""Keys of bindings that a partition tells; all are counted."""

_IN: Final = QUEUE_STATS["publish"]
_OUT: Final = QUEUE_STATS["deliver_get"]


def is_super_stream(view: ExchangeView) -> bool:
    """Whether an exchange is a super stream: by its type, or by RabbitMQ's argument."""
    return view.type == SUPER_STREAM or view.arguments.get(SUPER_STREAM) is True


@dataclass(slots=True)
class Partition:
    """A stream that a super stream is bound to.

    Attributes:
        name: of the stream.
        order: its number, by the argument of its binding; None has none.
        keys: of its bindings; the first ones.
        bindings_count: of all its bindings.
        positions: of its readers, by the name of their group.
    """

    name: str
    order: int | None
    keys: list[str] = field(default_factory=list)
    bindings_count: int = 0
    positions: dict[str, "Position"] = field(default_factory=dict)

    def add(self, view: BindingView) -> None:
        """Add a binding."""
        self.bindings_count += 1
        if len(self.keys) < KEYS_MAX:
            self.keys.append(view.routing_key)


@dataclass(slots=True)
class Position:
    """Where a group is in a partition.

    Attributes:
        stored_offset: the last one that it stored; None is none.
        next_offset: that its reader gets next; None where nobody reads.
        readers: how many are there, those that wait for their turn included.
        connection: of the one that reads; None where nobody does.
    """

    stored_offset: int | None = None
    next_offset: int | None = None
    readers: int = 0
    connection: str | None = None

    def lag_to(self, end_offset: int) -> int:
        """Return how many messages it has still to get, before an offset."""
        reached = self.next_offset
        if reached is None:
            reached = 0 if self.stored_offset is None else self.stored_offset + 1
        return max(end_offset - reached, 0)


def partitions_of(bindings: Iterable[BindingView]) -> list[Partition]:
    """Return the partitions that bindings lead to, in their order; those without a number first."""
    found: dict[str, Partition] = {}
    for view in bindings:
        partition = found.get(view.destination)
        if partition is None:
            order = view.arguments.get(ORDER)
            number = order if isinstance(order, int) and not isinstance(order, bool) else None
            partition = found[view.destination] = Partition(view.destination, number)
        partition.add(view)
    return sorted(found.values(), key=lambda each: -1 if each.order is None else each.order)


def rates_of(numbers: Numbers | None, looks: Looks) -> tuple[float, float]:
    """Return how fast a partition is written and read, in 1/s."""
    return rate_of(numbers, _IN, looks), rate_of(numbers, _OUT, looks)


def partition_body(
    partition: Partition,
    view: QueueView,
    segments: StreamSegments,
    node: str,
    rates: tuple[float, float],
    groups: Sequence[str],
) -> dict[str, Any]:
    """Return a partition with the positions of some groups.

    Args:
        partition: with the positions of all groups.
        view: of its queue.
        segments: what its log has.
        node: that leads it.
        rates: in and out, in 1/s; see ``rates_of``.
        groups: whose positions are told.
    """
    return {
        "name": partition.name,
        "order": partition.order,
        "routing_keys": partition.keys,
        "bindings_count": partition.bindings_count,
        "leader": node,
        "state": "paused" if view.is_paused else "running",
        "messages": segments.message_count,
        "first_offset": segments.first_offset,
        "next_offset": segments.next_offset,
        "size_bytes": segments.size_bytes,
        "segments_count": segments.segment_count,
        "rate_in": rates[0],
        "rate_out": rates[1],
        "consumers": view.counts.consumer_count,
        "positions": [
            position_body(group, partition.positions[group], segments)
            for group in groups
            if group in partition.positions
        ],
    }


def position_body(group: str, position: Position, segments: StreamSegments) -> dict[str, Any]:
    """Return where a group is; what retention removed is not behind it."""
    lag = min(position.lag_to(segments.next_offset), segments.message_count)
    return {
        "group": group,
        "stored_offset": position.stored_offset,
        "next_offset": position.next_offset,
        "lag": lag,
        "readers": position.readers,
        "connection": position.connection,
    }


def super_stream_body(
    view: ExchangeView, partitions: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    """Return a super stream as a list has it: sums over its partitions."""

    def total(key: str) -> Any:  # noqa: ANN401 -- an integer or a rate
        return sum([each[key] for each in partitions])

    return {
        "name": view.name,
        "vhost": view.vhost,
        "type": view.type,
        "partitions_count": len(partitions),
        "messages": total("messages"),
        "size_bytes": total("size_bytes"),
        "rate_in": float(total("rate_in")),
        "rate_out": float(total("rate_out")),
        "consumers": total("consumers"),
    }
