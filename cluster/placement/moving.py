"""Leaders that move: away from a node that drains, and to where there is less to do.

Only a member of the in-sync set can take a queue over (R22), so a move changes no replica. What
cannot move is said, and why.
"""

from collections.abc import Collection, Generator, Iterable, Iterator, Mapping
from dataclasses import dataclass
from heapq import merge
from itertools import islice
from typing import Final

from cluster.metadata.records import StoredQueueState
from cluster.placement.nodes import NodeStanding, by_name, lot

QUEUES_PER_STEP: Final = 100
"""Queues that are looked at before the others have a turn."""

DIFFERENCE_MIN: Final = 0.01
"""By which share of a node's mean load, at least, two nodes must still differ after a move."""


@dataclass(frozen=True, slots=True)
class PlacedQueue:
    """A queue, where it is, and how much it has to do.

    Attributes:
        key: what the caller knows it by.
        stored: its state in the metadata store.
        rate: messages in and out, per second.
    """

    key: str
    stored: StoredQueueState
    rate: float = 0.0


@dataclass(frozen=True, slots=True)
class LeaderMove:
    """A queue and who is to lead it."""

    key: str
    target: str


@dataclass(frozen=True, slots=True)
class Drain:
    """What a drain has to do.

    Attributes:
        moves: one for each queue that can go.
        staying: keys of queues that nobody else can lead now. They are offline while the node is
            away, unless they get another member before.
    """

    moves: tuple[LeaderMove, ...]
    staying: tuple[str, ...]


def successors(stored: StoredQueueState, nodes: Mapping[str, NodeStanding]) -> list[NodeStanding]:
    """Return who could lead a queue instead of its leader: members that live, those to be first."""
    members = stored.state.in_sync_set
    others = [
        nodes[name]
        for name in stored.options.replicas
        if name != stored.state.leader and name in nodes
    ]
    able = [node for node in others if node.is_live and node.replica in members]
    return sorted(able, key=lambda node: not node.may_lead())


def drain_of(
    name: str, queues: Iterable[PlacedQueue], nodes: Collection[NodeStanding]
) -> Generator[None, None, Drain]:
    """Find where the queues go that a node leads, in steps.

    Each goes to the member that leads least by then. A member that drains itself takes none.
    """
    known = by_name(nodes)
    counts = {node.name: node.leaders_count for node in nodes}
    moves: list[LeaderMove] = []
    staying: list[str] = []
    for number, queue in enumerate(queues, 1):
        if number % QUEUES_PER_STEP == 0:
            yield
        if queue.stored.state.leader != name:
            continue
        able = [node.name for node in successors(queue.stored, known) if node.may_lead()]
        if not able:
            staying.append(queue.key)
            continue
        target = min(able, key=lambda each: (counts[each], lot(queue.stored.queue_id, each)))
        counts[target] += 1
        moves.append(LeaderMove(queue.key, target))
    return Drain(tuple(moves), tuple(staying))


def rebalance_of(
    queues: Iterable[PlacedQueue], nodes: Collection[NodeStanding]
) -> Generator[None, None, list[LeaderMove]]:
    """Find moves that make the nodes more equal, in steps; empty: none is worth its cost.

    The load of a node is its share of the leaders plus its share of the messages. The queues with
    most to do are looked at first. One moves where the node that gives has more than the other one
    also after it. Each such move makes the sum of the squares of the loads smaller, so whoever
    carries them out, and asks again, comes to an end.

    Args:
        queues: all of the cluster.
        nodes: its members.
    """
    known = by_name(nodes)
    parts: list[list[PlacedQueue]] = []
    rates_sum, led_count = 0.0, 0
    for part in _in_parts(queues):
        led = [queue for queue in part if queue.stored.state.leader in known]
        led.sort(key=_by_rate)
        parts.append(led)
        rates_sum += sum(queue.rate for queue in led)
        led_count += len(led)
        yield
    loads = {node.name: 0.0 for node in nodes}

    def load_of(queue: PlacedQueue) -> float:
        return 1.0 / led_count + (queue.rate / rates_sum if rates_sum else 0.0)

    for led in parts:
        for queue in led:
            loads[queue.stored.state.leader] += load_of(queue)
        yield
    slack = DIFFERENCE_MIN * sum(loads.values()) / max(1, len(loads))
    moves: list[LeaderMove] = []
    for number, queue in enumerate(merge(*parts, key=_by_rate), 1):
        if number % QUEUES_PER_STEP == 0:
            yield
        able = [node.name for node in successors(queue.stored, known) if node.may_lead()]
        if not able:
            continue
        leader, load = queue.stored.state.leader, load_of(queue)
        target = min(able, key=lambda each: (loads[each], lot(queue.stored.queue_id, each)))
        if loads[leader] - loads[target] - load > slack:
            loads[leader] -= load
            loads[target] += load
            moves.append(LeaderMove(queue.key, target))
    return moves


def _by_rate(queue: PlacedQueue) -> float:
    return -queue.rate


def _in_parts(queues: Iterable[PlacedQueue]) -> Iterator[list[PlacedQueue]]:
    rest = iter(queues)
    while part := list(islice(rest, QUEUES_PER_STEP)):
        yield part
