"""What of the cluster needs a hand: nodes that are gone, the store, queues without enough mirrors.

Each text says what to do. A queue that lost a mirror is mended by the cluster itself as soon as the
node is back, so it is told of after half a minute.
"""

from collections.abc import Iterator
from typing import Final

from amqp_server.broker.views import ACTIVE, ClusterNode, ClusterView, MirroredView, Views
from management.attention.concern import BAD, EXCHANGE, NODE, QUEUE, WARN, Concern, Severity
from management.dangers import danger_of
from management.node import pages

SHORT_MS: Final = 30_000
"""So long a queue may lack a mirror: a node that restarts is back by then."""

STORE_AWAY_MS: Final = 10_000
"""A metadata store that was not heard for so long is away."""

MAINTENANCE_MS: Final = 3_600_000
"""So long a node that was drained may be stopped."""

UNCLEAN_MS: Final = 86_400_000
"""So long it is told that a queue was promoted with accepted loss."""

_HEAVY: Final = 10.0**9
"""The weight of what concerns a node: it comes before its queues, of which there may be many."""

_QUEUES: Final[dict[str, tuple[Severity, str, str]]] = {
    "offline": (
        BAD,
        "no_leader",
        "has no leader: start {away}, or promote another replica and accept the loss",
    ),
    "held": (
        BAD,
        "below_min_isr",
        "holds its publishers: fewer members run than min_isr; start {away}",
    ),
    "at_min_isr": (
        WARN,
        "at_min_isr",
        "has lost a mirror, and one more stops its publishers: start {away}, or add a replica",
    ),
    "under_replicated": (
        WARN,
        "under_replicated",
        "has fewer mirrors in sync than it should: start {away}, or add a replica",
    ),
}
"""By danger: how bad it is, the rule, and what to do."""


class ClusterWatch:
    """The cluster of a node; a node that is in none costs a call at each look."""

    def __init__(self) -> None:
        self._short: dict[tuple[str, str], int] = {}
        self._unclean: dict[tuple[str, str], int] = {}

    def concerns(self, views: Views, now_ms: int) -> Iterator[Concern | None]:
        """Yield what needs a hand, and None for every queue that does not."""
        view = views.cluster()
        if view is None:
            self._short, self._unclean = {}, {}
            return
        yield from _of_node(view, now_ms)
        nodes = views.cluster_nodes()
        for node in nodes:
            yield from _of_member(node, now_ms)
        running = {node.name for node in nodes if node.is_running}
        for link in views.cluster_links():
            if link.node in running and not link.is_connected:
                text = f"has no link to {link.node}, which runs: look at the network between them"
                rule, amount = f"no_link {link.node}", f"{link.lag:,} records behind"
                yield Concern(BAD, NODE, "", view.node, rule, text, amount, _HEAVY, now_ms)
        yield from self._of_queues(views, now_ms)

    def _of_queues(self, views: Views, now_ms: int) -> Iterator[Concern | None]:
        short: dict[tuple[str, str], int] = {}
        unclean: dict[tuple[str, str], int] = {}
        for page in pages(views.mirrored_queues):
            for queue in page:
                if queue.is_under_replicated or queue.is_offline:
                    since_ms = short[queue.place] = self._short.get(queue.place, now_ms)
                    if queue.is_offline or queue.is_held or now_ms - since_ms >= SHORT_MS:
                        yield _short(queue, since_ms)
                if not queue.is_clean:
                    since_ms = unclean[queue.place] = self._unclean.get(queue.place, now_ms)
                    if now_ms - since_ms < UNCLEAN_MS:
                        yield _promoted(queue, since_ms)
                yield None
        self._short, self._unclean = short, unclean


_ELECTED: Final = (
    "has no leader, and a member that runs can lead it: one is elected as soon as the metadata"
    " store answers"
)


def _short(queue: MirroredView, since_ms: int) -> Concern:
    severity, rule, text = _QUEUES[danger_of(queue)]
    away = [each.node for each in queue.replicas if not (each.is_online or each.is_replaced)]
    said = text.format(away=", ".join(away) or "no node: wait until its mirrors caught up")
    if queue.is_offline and queue.safe_count:
        said = _ELECTED
    elif _stands_still(queue):
        severity, said = BAD, _stands_still_text(queue, away)
    elif queue.is_held and (replaced := _replaced(queue)):
        said = (
            f"holds its publishers until {replaced} is filled, which runs with another disk than"
            f" the member had: if that takes long, {_promote(queue)} says whether {queue.leader} is"
            " damaged"
        )
    amount = f"{queue.safe_count:,} of {len(queue.replicas):,} in sync"
    missing = float(len(queue.replicas) - queue.safe_count)
    found = Concern(severity, QUEUE, *queue.place, rule, said, amount, missing, since_ms)
    return _about(queue, found)


def _stands_still(queue: MirroredView) -> bool:
    """Return whether the leader cannot read all that it has, and no other member runs."""
    is_damaged = any(each.is_damaged and each.node == queue.leader for each in queue.replicas)
    return is_damaged and queue.safe_count == 1 < len(queue.members)


def _stands_still_text(queue: MirroredView, away: list[str]) -> str:
    replaced = _replaced(queue)
    disks = f", and {replaced} runs with another disk than the member had" if replaced else ""
    start = f": start {', '.join(away)}, which may have it, or" if away else ":"
    return (
        f"stands still, as {queue.leader} leads it and cannot read all that it has{disks}{start}"
        f" accept the loss of what cannot be read ({_promote(queue)})"
    )


def _replaced(queue: MirroredView) -> str:
    return ", ".join(each.node for each in queue.replicas if each.is_replaced)


def _promote(queue: MirroredView) -> str:
    return f"haremq queues promote {queue.name} {queue.leader}"


def _promoted(queue: MirroredView, since_ms: int) -> Concern:
    text = (
        f"was promoted on {queue.leader} with accepted loss: compare what its publishers"
        " confirmed with what came"
    )
    amount = f"epoch {queue.epoch:,}"
    found = Concern(WARN, QUEUE, *queue.place, "promoted", text, amount, 1.0, since_ms)
    return _about(queue, found)


def _about(queue: MirroredView, concern: Concern) -> Concern:
    """Return a concern; of a queue that no client can name, it is about the exchange."""
    if not queue.exchange:
        return concern
    text = f"delays messages in a queue that {concern.text}; commands name it {queue.name}"
    return concern._replace(kind=EXCHANGE, name=queue.exchange, text=text)


def _of_node(view: ClusterView, now_ms: int) -> Iterator[Concern]:
    """Yield what of this node as a member needs a hand."""
    if view.frozen:
        text = f"is frozen, because {view.frozen}: it takes part again when the store is mended"
        yield Concern(BAD, NODE, "", view.node, "frozen", text, "frozen", 2 * _HEAVY, now_ms)
    heard_ms = view.store_heard_ms
    if heard_ms is None or heard_ms >= STORE_AWAY_MS:
        text = (
            "does not hear the metadata store: what is led is served on, and nothing is declared"
            " or elected; start the store"
        )
        amount = "never heard" if heard_ms is None else f"{heard_ms // 1_000:,} s"
        since_ms = now_ms - (heard_ms or 0)
        yield Concern(BAD, NODE, "", view.node, "store_away", text, amount, _HEAVY, since_ms)


def _of_member(node: ClusterNode, now_ms: int) -> Iterator[Concern]:
    """Yield that a member is gone."""
    if node.is_running:
        return
    gone_ms = node.gone_ms or 0
    amount = f"{gone_ms // 1_000:,} s"
    since_ms = now_ms - gone_ms
    if node.state == ACTIVE:
        text = "is gone: start it, or forget it if it will not come back"
        yield Concern(BAD, NODE, "", node.name, "node_gone", text, amount, _HEAVY, since_ms)
    elif gone_ms >= MAINTENANCE_MS:
        text = "was drained and is stopped for long: start it, or forget it"
        yield Concern(WARN, NODE, "", node.name, "node_stopped", text, amount, _HEAVY, since_ms)
