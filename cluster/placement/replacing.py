"""Nodes that have been away for too long: which of a queue's replicas are replaced, and since when.

Nobody has said that such a node will not come back, so that its replica is given up only for
another one: on a node that runs and stays. Where there is none, the list is left as it is. One that
was drained was stopped on purpose, and is waited for.
"""

from collections.abc import Collection

from cluster.metadata.records import StoredQueueState
from cluster.placement.asking import RULES, Asked, ReplicaRules
from cluster.placement.changing import Replacement, changed
from cluster.placement.nodes import ACTIVE, NodeStanding, by_name


class GoneNodes:
    """Since when nodes do not live, as far as this node has seen.

    Args:
        after_ms: for how long a node has to be away before it is gone; 0: none ever is.
    """

    def __init__(self, after_ms: int) -> None:
        self._after_ms = after_ms
        self._away_at_ms: dict[str, int] = {}

    def see(self, nodes: Collection[NodeStanding], now_ms: int) -> None:
        """Note who is away now."""
        away = [each.name for each in nodes if not each.is_live and each.state == ACTIVE]
        self._away_at_ms = {name: self._away_at_ms.get(name, now_ms) for name in away}

    def names(self, now_ms: int) -> tuple[str, ...]:
        """Return who is gone, the longest first."""
        if not self._after_ms:
            return ()
        since = sorted((at_ms, name) for name, at_ms in self._away_at_ms.items())
        return tuple(name for at_ms, name in since if now_ms - at_ms >= self._after_ms)

    def next_ms(self, now_ms: int) -> int | None:
        """Return how long until one more is gone; None: nobody will be."""
        if not self._after_ms:
            return None
        left = [at_ms + self._after_ms - now_ms for at_ms in self._away_at_ms.values()]
        return min((each for each in left if each > 0), default=None)


def replaced_nodes(
    stored: StoredQueueState,
    asked: Asked,
    nodes: Collection[NodeStanding],
    gone: Collection[str],
    rules: ReplicaRules = RULES,
    *,
    lowers: bool = True,
) -> tuple[str, ...]:
    """Return those of the nodes that are gone for whose replicas there is another node.

    The arguments are those of ``changing.changed``.
    """
    present = stored.options.replicas
    having = [name for name in gone if name in present]
    if not having:
        return ()
    known = by_name(nodes)
    plain = changed(stored, asked, nodes, (), rules, lowers=lowers)
    chosen: tuple[str, ...] = ()
    for name in having:
        done = changed(stored, asked, nodes, (*chosen, name), rules, lowers=lowers)
        further = set(done.options.replicas).difference(present, plain.options.replicas)
        is_as_long = _staying_count(done) >= _staying_count(plain)
        if is_as_long and all(known[each].may_lead() for each in further):
            chosen = (*chosen, name)
    return chosen


def _staying_count(replacement: Replacement) -> int:
    over_count = len(replacement.leaving) + len(replacement.waiting)
    return len(replacement.options.replicas) - over_count
