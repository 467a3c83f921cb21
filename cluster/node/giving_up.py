"""A leader that reaches too few replicas gives its queues up to a member that may reach more (R24).

It keeps its lease, because it reaches the store. So nobody elects another leader, though the other
nodes may well reach each other.

    a ──✗── b     a leads, has not heard b and c for a while, and both live:
    ✗       │     b leads, of the in-sync set without a
    └────── c

Of a queue that cannot be read here any more, any other member that lives takes over at once.

Its own disk is full, or does not answer: nothing is committed here either. What is large has more
time: a mirror would have to write it as well. Then a member takes over
that is heard, if enough others are.

Nobody knows from here what the others reach. So a queue is given up only while enough others live,
and not before its leader had the same time to reach them.
"""

import logging
from collections.abc import Callable, Collection, Container, Iterator
from itertools import islice
from typing import Final

from cluster.node.view import ClusterView
from cluster.replication.core import ReplicationCore
from cluster.replication.inputs import GiveUp
from cluster.replication.leadership import Leadership
from cluster.replication.state import ReplicaId

log = logging.getLogger(__name__)

LOOKS_MAX: Final = 256
"""Queues that one turn looks at. The ticks of the core bring others to the front."""

ASLEEP_MS: Final = 1_000
"""Who did not look for so long did not listen either: it was frozen, or its machine was."""

NOTICED_MS: Final = 600
"""In this time the store notices that a lease has ended, and says so."""

SLOW_BYTES_PER_MS: Final = 10_000
"""A disk that takes no more in a ms is slow, and answers."""

WAIT_MAX_MS: Final = 60_000
"""Where no two nodes reach each other queues come back to who gave them up. Each time they stay for
twice as long, up to this, as each move is a write of the store."""


class GivingUp:
    """Looks at the queues that are led here and whose replicas are not all in sync.

    Args:
        core: of this node.
        view: says who lives.
        heard_at_ms: when a node was heard on the link to it; None: there is no link.
        lease_ttl_ms: of all nodes. A node counts as out of reach when it was not heard for a bit
            longer: who was killed does not live any more by then, and gets no queue.
        writing_bytes: how much the own disk is taking.
        damaged: queues whose replica is damaged here: whoever can lead them does.
    """

    def __init__(
        self,
        core: ReplicationCore,
        view: ClusterView,
        heard_at_ms: Callable[[str], int | None],
        lease_ttl_ms: int,
        writing_bytes: Callable[[], int],
        damaged: Collection[str] = (),
    ) -> None:
        self._core = core
        self._damaged = damaged
        self._view = view
        self._heard_at_ms = heard_at_ms
        self._writing_bytes = writing_bytes
        self._after_ms = lease_ttl_ms + NOTICED_MS
        # By node and incarnation, when it was heard last, on whichever link.
        self._last_heard_ms: dict[tuple[str, int], int] = {}
        self._looked_at_ms = self._awake_since_ms = 0
        # By queue, when it was given up here last, and how long that was waited for.
        self._given_up: dict[str, tuple[int, int]] = {}
        # By queue that is damaged here, the epoch in which it was said that nobody can relieve it.
        self._said: dict[str, int] = {}
        # How far the own disk came, and since when it has not come further.
        self._fsynced, self._fsynced_at_ms = 0, 0

    def look(self, is_spent: Callable[[], bool]) -> Iterator[GiveUp]:
        """Yield what may be given up now; whoever takes one hands it to the core at once.

        Args:
            is_spent: whether the rest should wait for another turn; asked after each queue.
        """
        node = self._core.node
        heard, is_stuck = self._heard(), self._is_stuck()
        if not node.lease.is_running(node.now_ms):
            # The store is away too. Nothing can be written, and who lives is not known any more.
            return
        yield from self._damaged_here()
        if len(heard) == len(self._view.live) and not is_stuck:
            return
        looked_at = list(node.leaderships if is_stuck else islice(node.not_calm, LOOKS_MAX))
        for queue_id in looked_at:
            lead = node.leaderships.get(queue_id)
            target = None if lead is None else self._target(lead, heard, is_stuck=is_stuck)
            if lead is not None and target is not None and self._core.may_give_up(queue_id, target):
                self._note_given_up(lead)
                why = "the disk does not answer" if is_stuck else "too few are heard from here"
                log.warning("%s leads queue %s: %s", target.node, queue_id, why)
                yield GiveUp(queue_id, target, self._view.live[target.node].incarnation)
            if is_spent():
                return

    def _damaged_here(self) -> Iterator[GiveUp]:
        """Yield the queues whose messages cannot be read here, and can be elsewhere."""
        node = self._core.node
        for queue_id in self._damaged:
            lead = node.leaderships.get(queue_id)
            if lead is None or self._was_given_up_lately(lead):
                continue
            target = self._able(lead, self._view.live)
            if target is None:
                self._say_alone(lead)
            elif self._core.may_give_up(queue_id, target):
                self._note_given_up(lead)
                log.warning("%s leads queue %s: it is damaged here", target.node, queue_id)
                yield GiveUp(queue_id, target, self._view.live[target.node].incarnation)

    def _say_alone(self, lead: Leadership) -> None:
        """Say once in an epoch that no member has all of a queue, and what to do about it."""
        others = sorted(lead.waited_for() - {self._core.node.replica_id})
        known = self._view.queues.get(lead.queue)
        if not others or known is None or self._said.get(lead.queue) == lead.epoch:
            return
        self._said = {each: at for each, at in self._said.items() if each in self._damaged}
        self._said[lead.queue] = lead.epoch
        live = self._view.live
        log.error(
            "queue %s in vhost %s stands still: its replica on %s is damaged, and of the in-sync"
            " set %s; start who is away, or have %s go on without what cannot be read:"
            " haremq queues promote %s %s",
            known.name,
            known.vhost,
            lead.state.leader,
            ", ".join(
                f"{each.node} {'runs with another disk' if each.node in live else 'is away'}"
                for each in others
            ),
            lead.state.leader,
            known.name,
            lead.state.leader,
        )

    def _was_given_up_lately(self, lead: Leadership) -> bool:
        """Return whether a queue came back too soon: it is damaged elsewhere, too."""
        is_young = self._core.node.now_ms - lead.began_ms < self._wait_ms(lead)
        return lead.queue in self._given_up and is_young

    def _heard(self) -> set[str]:
        """Return who lives and was heard, this node among them."""
        node, before = self._core.node, self._last_heard_ms
        now_ms = node.now_ms
        if now_ms - self._looked_at_ms >= ASLEEP_MS:
            self._awake_since_ms = now_ms
        self._looked_at_ms = now_ms
        self._last_heard_ms = after = {}
        for name, peer in self._view.live.items():
            heard_at_ms = now_ms if name == node.name else self._heard_at_ms(name)
            if heard_at_ms is None:
                heard_at_ms = before.get((name, peer.incarnation), now_ms)
            after[name, peer.incarnation] = heard_at_ms
        # Nobody is silent for longer than this node listens.
        since_ms = now_ms - self._after_ms
        is_early = self._awake_since_ms > since_ms
        return {name for (name, _), at_ms in after.items() if is_early or at_ms > since_ms}

    def _is_stuck(self) -> bool:
        """Return whether the own disk has not taken for long what it was given."""
        node = self._core.node
        if node.fsynced != self._fsynced or node.fsynced == node.written:
            self._fsynced, self._fsynced_at_ms = node.fsynced, node.now_ms
        since_ms = max(self._fsynced_at_ms, self._awake_since_ms)
        slow_ms = self._writing_bytes() // SLOW_BYTES_PER_MS
        return node.now_ms - since_ms >= self._after_ms + slow_ms

    def _target(self, lead: Leadership, heard: set[str], *, is_stuck: bool) -> ReplicaId | None:
        """Return who is to lead a queue; None: it stays here."""
        node, options = self._core.node, lead.replica.options
        if node.now_ms - lead.began_ms < self._wait_ms(lead):
            return None
        others = [name for name in options.replicas if name != node.name]
        living = [name for name in others if name in (heard if is_stuck else self._view.live)]
        reached_count = 0 if is_stuck else 1 + sum(name in heard for name in others)
        if reached_count >= options.min_isr or len(living) < options.min_isr:
            return None
        return self._able(lead, living)

    def _able(self, lead: Leadership, living: Container[str]) -> ReplicaId | None:
        """Return another member that lives, with the disk that it is a member with."""
        live = self._view.live_nodes()
        able = [
            member
            for member in sorted(lead.state.in_sync_set - {self._core.node.replica_id})
            if member.node in living and live[member.node].replica == member
        ]
        return min(able, key=lambda member: self._view.led_count(member.node), default=None)

    def _wait_ms(self, lead: Leadership) -> int:
        """Return how old a leadership has to be."""
        at_ms, waited_ms = self._given_up.get(lead.queue, (lead.began_ms, self._after_ms))
        away_ms = lead.began_ms - at_ms
        if away_ms > 2 * waited_ms:
            return self._after_ms
        if away_ms <= 0:
            return waited_ms  # It was not taken: this is the same leadership.
        return min(2 * waited_ms, max(WAIT_MAX_MS, self._after_ms))

    def _note_given_up(self, lead: Leadership) -> None:
        now_ms = self._core.node.now_ms
        noted = now_ms, self._wait_ms(lead)
        # Those of long ago say nothing any more; in the order of time, they come first.
        for queue_id, (at_ms, waited_ms) in list(islice(self._given_up.items(), 2)):
            if now_ms - at_ms > 2 * waited_ms + self._after_ms:
                del self._given_up[queue_id]
        self._given_up.pop(lead.queue, None)
        self._given_up[lead.queue] = noted
