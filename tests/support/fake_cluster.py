"""A cluster as the broker's port shows it, without a store, links or other nodes.

cluster = FakeCluster("rabbit@a", "rabbit@b", "rabbit@c")
cluster.put("orders", "rabbit@a", "rabbit@b", "rabbit@c")     the first one leads
cluster.stop("rabbit@b")
broker.cluster = cluster
"""

from collections.abc import Callable
from typing import Any, TypeVar

from sortedcontainers import SortedList

from amqp_server.broker.access.patterns import compile_pattern
from amqp_server.broker.awaited import Awaited
from amqp_server.broker.cluster import (
    ACTIVE,
    DRAINING,
    HARMED_SHOWN_MAX,
    ClusterNode,
    ClusterView,
    Harm,
    HarmedQueue,
    LinkView,
    ListenerAddress,
    MirroredView,
    Promotion,
    QueuePlace,
    ReplicaView,
    StoreAwayError,
)
from amqp_server.broker.errors import PreconditionFailedError
from amqp_server.broker.groups.single_active import ConsumerGroups, Groups
from amqp_server.broker.pages import PAGE_USUAL, Page, page_of
from amqp_server.broker.steps import Steps
from amqp_server.broker.stream_numbers import STORED_OFFSET, Numbers

T = TypeVar("T")


class FakeCluster:
    """Nodes and queues that a test puts there; commands change them at once.

    Attributes:
        whole: the cluster as a whole; the first node is the one that looks.
        members: nodes by name.
        mirrored: queues by vhost and name.
        peers: links by the names of their other ends.
        is_away: the store does not answer: commands fail.
        is_slow: commands wait until ``answer_all``.
        done: commands that were carried out, with what they were given.
        end: of every replica, for promotions; None is not known.
        numbers: of streams, by vhost, name, word and reference.
        consumer_groups: those of the first node.
        addresses: of clients, by node, protocol and whether they speak TLS.
    """

    def __init__(self, *names: str) -> None:
        first, *others = names
        self.whole = ClusterView(first, first, "in memory", 200, 7_500)
        self.members = {
            name: ClusterNode(name, True, address=f"{name}:25672", zone=f"z{place}", version="9.9")
            for place, name in enumerate(names)
        }
        self.mirrored: dict[QueuePlace, MirroredView] = {}
        self.peers = {name: LinkView(name, True, 0, 100) for name in others}
        self.is_away = self.is_slow = False
        self.done: list[tuple[Any, ...]] = []
        self.end: tuple[int, int] | None = (1_204, 7)
        self.of_promotion: dict[str, Any] = {}
        self.addresses: dict[tuple[str, str, bool], ListenerAddress] = {}
        self.numbers: dict[tuple[str, str, str, bytes], Numbers] = {}
        self._waiting: list[Callable[[], None]] = []
        self.consumer_groups: ConsumerGroups = Groups()

    # ── what a test does ──

    def put(
        self, name: str, *nodes: str, vhost: str = "/", kind: str = "quorum", min_isr: int = 0
    ) -> None:
        """Have a queue on these nodes, the first one leading; all are in sync."""
        running = self.members
        replicas = tuple(ReplicaView(each, True, running[each].is_running, 0) for each in nodes)
        needed = min_isr or (len(nodes) + 1) // 2
        view = MirroredView(vhost, name, kind, nodes[0], 1, needed, replicas)
        self.mirrored[view.place] = view

    def change(self, name: str, vhost: str = "/", **fields: Any) -> None:  # noqa: ANN401
        """Change what is shown of a queue."""
        self.mirrored[vhost, name] = self.mirrored[vhost, name]._replace(**fields)

    def stop(self, name: str, gone_ms: int = 60_000) -> None:
        """Have a node not run; it stays in the in-sync sets and leads what it led."""
        self._run(name, is_running=False, gone_ms=gone_ms)

    def start(self, name: str) -> None:
        """Have a node run again."""
        self._run(name, is_running=True, gone_ms=None)

    def answer_all(self) -> None:
        """Answer the commands that wait."""
        waiting, self._waiting = self._waiting, []
        for answer in waiting:
            answer()

    def _run(self, name: str, *, is_running: bool, gone_ms: int | None) -> None:
        node = self.members[name]
        self.members[name] = node._replace(is_running=is_running, gone_ms=gone_ms)
        for place, view in self.mirrored.items():
            replicas = tuple(
                each._replace(is_online=is_running) if each.node == name else each
                for each in view.replicas
            )
            self.mirrored[place] = view._replace(replicas=replicas)

    # ── the port ──

    def view(self) -> ClusterView:
        """Return what the test says."""
        return self.whole

    def nodes(self) -> tuple[ClusterNode, ...]:
        """Return the members, with what they lead and have."""
        views = self.mirrored.values()
        return tuple(
            node._replace(
                leaders_count=sum(view.leader == node.name for view in views),
                replicas_count=sum(
                    any(each.node == node.name for each in view.replicas) for view in views
                ),
            )
            for _, node in sorted(self.members.items())
        )

    def links(self) -> tuple[LinkView, ...]:
        """Return the links."""
        return tuple(link for _, link in sorted(self.peers.items()))

    def leader_of(self, vhost: str, name: str) -> str:
        """Return who leads a queue; a queue that is not mirrored is of the node that looks."""
        view = self.mirrored.get((vhost, name))
        return self.whole.node if view is None else view.leader

    def queue(self, vhost: str, name: str) -> MirroredView | None:
        """Return a queue."""
        return self.mirrored.get((vhost, name))

    def queues(
        self, after: QueuePlace | None = None, max_count: int = PAGE_USUAL
    ) -> Page[QueuePlace, MirroredView]:
        """Return a page of the queues."""
        return page_of(SortedList(self.mirrored), self.mirrored.get, after, max_count)

    def listener_of(self, node: str, protocol: str, *, is_tls: bool) -> ListenerAddress | None:
        """Return what the test says of a node that runs."""
        is_running = self.members[node].is_running
        return self.addresses.get((node, protocol, is_tls)) if is_running else None

    def harmed_without(self, node: str) -> Steps[Harm]:
        """Return what needs a node."""
        counts: dict[str, int] = {}
        found: list[HarmedQueue] = []
        for _, view in sorted(self.mirrored.items()):
            yield
            if node not in view.members:
                continue
            left = sum(
                each.is_member and each.is_online and each.node != node for each in view.replicas
            )
            if left >= view.min_isr:
                continue
            counts[view.kind] = counts.get(view.kind, 0) + 1
            if counts[view.kind] <= HARMED_SHOWN_MAX:
                is_alone = len(view.replicas) == 1
                found.append(
                    HarmedQueue(*view.place, view.kind, not left, left, view.min_isr, is_alone)
                )
        return Harm(counts, tuple(found))

    def move_leader(self, vhost: str, name: str, node: str) -> Awaited[str]:
        """Have a member lead."""
        view = self.mirrored[vhost, name]
        able = [
            each.node
            for each in view.replicas
            if each.is_member and each.is_online and each.node != view.leader
        ]
        target = node or (able[0] if able else "")

        def move() -> str:
            if target not in able:
                raise PreconditionFailedError("no other member runs")
            self.change(name, vhost, leader=target, epoch=view.epoch + 1)
            return target

        return self._answer(move, "move_leader", vhost, name, target)

    def add_replica(self, vhost: str, name: str, node: str) -> Awaited[None]:
        """Add one that is not in sync yet."""
        before = self.mirrored[vhost, name].replicas
        added = (*before, ReplicaView(node, False, self.members[node].is_running))
        return self._answer(
            lambda: self.change(name, vhost, replicas=added), "add_replica", vhost, name, node
        )

    def remove_replica(self, vhost: str, name: str, node: str) -> Awaited[None]:
        """Take one out."""
        view = self.mirrored[vhost, name]
        left = tuple(each for each in view.replicas if each.node != node)

        def remove() -> None:
            if sum(each.is_member for each in left) < view.min_isr:
                raise PreconditionFailedError(f"fewer than {view.min_isr} members would be left")
            self.change(name, vhost, replicas=left)

        return self._answer(remove, "remove_replica", vhost, name, node)

    def promotion(self, vhost: str, name: str, node: str) -> Awaited[Promotion]:
        """Say what it would mean."""
        view = self.mirrored[vhost, name]
        refusal = "" if view.is_offline else f"{view.leader} leads the queue"
        asked = Promotion(node, self.end, view.members, refusal, view.lease_guard)
        return self._answer(lambda: asked._replace(**self.of_promotion))

    def promote(self, vhost: str, name: str, node: str) -> Awaited[int]:
        """Have the node lead alone."""
        view = self.mirrored[vhost, name]
        replicas = tuple(each._replace(is_member=each.node == node) for each in view.replicas)

        def promote() -> int:
            epoch = view.epoch + 1
            self.change(
                name, vhost, leader=node, epoch=epoch, replicas=replicas, is_clean=False, min_isr=1
            )
            return epoch

        return self._answer(promote, "promote", vhost, name, node)

    def drain(self, node: str) -> Awaited[None]:
        """Drain it."""
        return self._answer(lambda: self._put_state(node, DRAINING), "drain", node)

    def undrain(self, node: str) -> Awaited[None]:
        """Have it active."""
        return self._answer(lambda: self._put_state(node, ACTIVE), "undrain", node)

    def forget(self, node: str) -> Awaited[None]:
        """Take it out."""

        def forget() -> None:
            del self.members[node]

        return self._answer(forget, "forget", node)

    def rebalance(self, kind: str, vhost_pattern: str, queue_pattern: str) -> Awaited[int]:
        """Count the queues that are meant; none is moved."""
        vhosts, names = compile_pattern(vhost_pattern), compile_pattern(queue_pattern)
        count = sum(
            vhosts.search(view.vhost) and names.search(view.name) and kind in {"", view.kind}
            for view in self.mirrored.values()
        )
        return self._answer(lambda: count, "rebalance", kind, vhost_pattern, queue_pattern)

    def stream_numbers(
        self, vhost: str, name: str, what: str, reference: bytes
    ) -> Awaited[Numbers]:
        """Return what the test says."""
        return self._answer(
            lambda: self.numbers[vhost, name, what, reference],
            "stream_numbers",
            vhost,
            name,
            what,
            reference,
        )

    def stream_served(self, vhost: str, name: str) -> Awaited[None]:
        """End at once, or with ``answer_all``; nothing is asked of the store."""
        if self.is_away:
            over = Awaited[None]()
            over.set(None)
            return over
        return self._answer(lambda: None, "stream_served", vhost, name)

    def store_offset(self, vhost: str, name: str, reference: bytes, offset: int) -> None:
        """Note it."""
        self.numbers[vhost, name, STORED_OFFSET, reference] = (offset,)

    def finalize(self) -> Awaited[int]:
        """Raise the level."""

        def finalize() -> int:
            self.whole = self.whole._replace(feature_level=self.whole.feature_level_next)
            return self.whole.feature_level

        return self._answer(finalize, "finalize")

    def _put_state(self, name: str, state: str) -> None:
        self.members[name] = self.members[name]._replace(state=state)

    def _answer(self, do: Callable[[], T], *what: Any) -> Awaited[T]:  # noqa: ANN401
        awaited: Awaited[T] = Awaited()

        def answer() -> None:
            if self.is_away:
                awaited.fail(StoreAwayError("the metadata store does not answer"))
                return
            try:
                value = do()
            except PreconditionFailedError as error:
                awaited.fail(error)
                return
            if what:
                self.done.append(what)
            awaited.set(value)

        if self.is_slow:
            self._waiting.append(answer)
        else:
            answer()
        return awaited
