"""What nodes of one machine would carry together, from what a hop between them costs.

A node uses one core. A message costs ``here`` where publisher, queue and consumer are on one node.
Where the publisher is elsewhere it costs ``publishing`` more, on both nodes together; where the
consumer is, ``delivering``. Of N nodes that share a port the kernel chooses one for each
connection, so each of the two is elsewhere with (N - 1) / N. All costs are CPU time: the model says
what N cores carry that do nothing else, where queues spread the work evenly.

It leaves out what cores share: memory bandwidth, caches, the kernel's locks. So it is a bound.
"""

from collections.abc import Iterable
from typing import Final, NamedTuple

ALONE: Final = 1
CORES: Final = (2, 8, 64)


class Costs(NamedTuple):
    """CPU time of a message, in us: on one node, and what each of the two hops adds."""

    here: float
    publishing: float
    delivering: float


def anywhere_us(costs: Costs, nodes_count: int) -> float:
    """Return the mean cost of a message where clients are on any node, in us."""
    elsewhere = (nodes_count - 1) / nodes_count
    return costs.here + elsewhere * (costs.publishing + costs.delivering)


def times_faster(costs: Costs, nodes_count: int) -> float:
    """Return how many times as much as one node so many carry, on as many cores."""
    return nodes_count * costs.here / anywhere_us(costs, nodes_count)


def table(costs: Costs, counts: Iterable[int]) -> list[str]:
    """Return the model as lines: clients on any node, and each at the node that leads its queue."""
    costs_line = (
        f"model: {costs.here:.3f} us on one node; more for a publish from elsewhere:"
        f" {costs.publishing:.3f}, for a delivery: {costs.delivering:.3f}"
    )
    lines = [
        costs_line,
        "nodes = cores  clients anywhere, us  times one node  clients at the leader",
    ]
    for count in counts:
        mean, times = anywhere_us(costs, count), times_faster(costs, count)
        lines.append(f"{count:13}  {mean:20.3f}  {times:14.1f}  {count:21}")
    return lines
