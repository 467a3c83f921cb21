"""Nodes with groups of a cluster in virtual time: streams, leaders, links, clients that answer.

    world = World(seed)             three nodes, streams with leaders
    world.run(ms)                   time passes; questions take a while, and some are lost
    world.nodes["a"].join(...)      a client's member

No two members of a group read in the same moment; ``World.run`` looks at that in each step.
"""

import json
import random
from collections import Counter
from collections.abc import Callable
from functools import partial
from heapq import heappop, heappush
from itertools import count

from amqp_server.broker.groups.forms import (
    Question,
    question_form,
    question_of,
    told_form,
    told_of,
)
from amqp_server.broker.groups.guests import NEW_MS, VisitOverError
from amqp_server.broker.groups.shared import Place, SharedGroups
from amqp_server.broker.groups.single_active import PLAIN, GroupKey, Stream
from amqp_server.broker.steps import finish
from amqp_server.clustering.group_leaders import FIRST_EPOCH, IDLE_MS

STEP_MS = 10
LOOK_MS = 250
ASK_MS = 100


class Client:
    """A member whose client answers after a while.

    Attributes:
        reads: it gets messages.
        told: what it was told.
    """

    def __init__(self, node: "GroupNode", key: GroupKey) -> None:
        self.node, self.key = node, key
        self.reads = self.is_gone = False
        self.told: list[bool] = []

    def tell(self, *, is_active: bool) -> None:
        assert not self.is_gone, "who has left is told nothing"
        self.told.append(is_active)
        if not is_active:
            self.reads = False
        world = self.node.world
        world.later(world.delay_ms(), lambda: self._answer(is_active))

    def _answer(self, is_active: bool) -> None:
        node = self.node
        if self.is_gone or not node.is_alive:
            return
        if not is_active:
            node.groups.answered(self.key, self)
        elif node.groups.is_active(self.key, self):
            self.reads = True

    def leave(self) -> None:
        self.is_gone, self.reads = True, False
        self.node.clients.remove(self)
        self.node.groups.leave(self.key, self)


class GroupNode:
    """One node.

    Attributes:
        copy: who leads each stream, as far as this node knows.
        serves: the streams that it leads, and since when.
        idle: those of them that it may deliver nothing of, as others lead them.
    """

    def __init__(self, world: "World", name: str) -> None:
        self.world, self.name = world, name
        self.is_alive = True
        self.incarnation = 0
        self.copy: dict[str, Place | None] = {}
        self.begin()

    def begin(self) -> None:
        """Start the process."""
        self.is_alive = True
        self.incarnation += 1
        self.clients: list[Client] = []
        self.serves: dict[str, int] = {}
        self.idle: set[str] = set()
        incarnation = self.incarnation
        self.groups = SharedGroups(self.name, self, lambda: incarnation, lambda: self.world.now_ms)

    def join(self, stream: str = "s", name: str = "app", index: int = PLAIN) -> Client:
        """Have a client join."""
        place = self.copy.get(stream)
        stored_id = "" if place is None else place.stored_id
        client = Client(self, GroupKey("/", stream, name, stored_id=stored_id))
        self.clients.append(client)
        self.groups.join(client.key, client, index)
        return client

    def kill(self) -> None:
        """End the process."""
        self.is_alive = False
        for client in self.clients:
            client.reads = False
        self.clients = []

    def forget_readers(self, stream: str) -> None:
        """End the readers of streams that had a name before."""
        place = self.copy[stream]
        for client in list(self.clients):
            if client.key.stream == stream and place and client.key.stored_id != place.stored_id:
                client.leave()

    # -- see ``shared.Leaders`` --

    def leader_of(self, stream: Stream) -> Place | None:
        place = self.copy.get(stream.name)
        is_it = place is None or stream.stored_id in {"", place.stored_id}
        return place if is_it else None

    def is_served(self, stream: Stream) -> bool:
        return stream.name in self.serves

    def is_new(self, stream: Stream) -> bool:
        name, place = stream.name, self.leader_of(stream)
        since_ms = self.serves.get(name, self.world.now_ms)
        is_first = place is not None and place.epoch == FIRST_EPOCH
        return name in self.idle or (not is_first and self.world.now_ms - since_ms < NEW_MS)


class World:
    """The nodes, and all that happens between them.

    Attributes:
        cut: pairs of nodes that do not hear each other.
        deaf: nodes that learn nothing from the store.
        losses: of a hundred questions or answers, so many are lost.
        slow_ms: the longest that a message or a client's answer takes.
    """

    def __init__(self, seed: int, *streams: str) -> None:
        self.random = random.Random(seed)
        self.now_ms = 1_000_000
        self.losses, self.slow_ms = 0, 50
        self.cut: set[frozenset[str]] = set()
        self._due: list[tuple[int, int, Callable[[], None]]] = []
        self._numbers = count()
        self.deaf: set[str] = set()
        self.made: Counter[str] = Counter()
        self.epochs: dict[str, int] = {}
        self.leaders: dict[str, str] = {}
        self.nodes = {name: GroupNode(self, name) for name in "abc"}
        for number, stream in enumerate(streams or ("s",)):
            self.lead(stream, "abc"[number % 3], knows_ms=0)
            self.nodes["abc"[number % 3]].serves[stream] = 0

    def later(self, after_ms: int, call: Callable[[], None]) -> None:
        """Call after a while."""
        heappush(self._due, (self.now_ms + after_ms, next(self._numbers), call))

    def delay_ms(self) -> int:
        """Return how long something takes."""
        return self.random.randint(0, self.slow_ms)

    def lead(self, stream: str, node: str, knows_ms: int = 0) -> None:
        """Have a node lead a stream; the one before leads it no more, and others learn of it."""
        before = self.leaders.get(stream)
        if before is not None and before != node:
            # It delivers nothing any more (R16), sees that with a look, and hears later why.
            deposed = self.nodes[before]
            deposed.idle.add(stream)
            idle_ms = min(knows_ms, LOOK_MS + IDLE_MS)
            self.later(idle_ms, partial(self._serve_no_more, deposed, stream))
        epoch = self.epochs[stream] = self.epochs.get(stream, 0) + 1
        place = Place(node, epoch, self.id_of(stream))
        self.leaders[stream] = node
        leader = self.nodes[node]
        leader.copy[stream] = place
        leader.forget_readers(stream)
        leader.serves[stream] = self.now_ms
        leader.idle.discard(stream)
        for each in self.nodes.values():
            if each is leader:
                continue
            if knows_ms:
                after_ms = self.random.randint(0, knows_ms)
                self.later(after_ms, partial(self._learn, each, stream, place))
            else:
                self._learn(each, stream, place)

    def anew(self, stream: str, node: str, knows_ms: int = 0) -> None:
        """Have a stream be deleted and declared anew, and a node lead it from its beginning on."""
        self.made[stream] += 1
        self.epochs[stream] = 0
        self.lead(stream, node, knows_ms)

    def id_of(self, stream: str) -> str:
        """Return the id of the stream that has a name now."""
        return f"{stream}-{self.made[stream]}"

    def hear(self, name: str) -> None:
        """Have a node that was deaf learn what the others know."""
        self.deaf.discard(name)
        for stream, leader in self.leaders.items():
            place = Place(leader, self.epochs[stream], self.id_of(stream))
            self._learn(self.nodes[name], stream, place)

    def _serve_no_more(self, node: GroupNode, stream: str) -> None:
        if stream in node.idle:
            node.idle.remove(stream)
            node.serves.pop(stream, None)

    def _learn(self, node: GroupNode, stream: str, place: Place) -> None:
        known = node.copy.get(stream)
        if node.name in self.deaf or (known is not None and _age(known) >= _age(place)):
            return
        node.copy[stream] = place
        node.forget_readers(stream)

    def kill(self, name: str) -> None:
        """Kill a node; the next leaders of its streams come later."""
        self.nodes[name].kill()
        for stream, leader in self.leaders.items():
            if leader == name:
                self.later(self.random.randint(500, 3_000), partial(self._elect, stream, name))

    def _elect(self, stream: str, before: str) -> None:
        able = [each.name for each in self.nodes.values() if each.is_alive]
        if self.leaders[stream] == before and able:
            self.lead(stream, self.random.choice(able), 1_000)

    def restart(self, name: str) -> None:
        """Start a node again; it leads nothing yet."""
        self.nodes[name].begin()
        for stream, leader in self.leaders.items():
            if leader == name:
                # What it led before its end somebody has to be elected for.
                self._elect(stream, name)
            else:
                place = Place(leader, self.epochs[stream], self.id_of(stream))
                self.nodes[name].copy[stream] = place

    def readers(self) -> dict[GroupKey, list[Client]]:
        """Return who reads, of each group."""
        found: dict[GroupKey, list[Client]] = {}
        for node in self.nodes.values():
            for client in node.clients:
                found.setdefault(client.key, []).extend([client] if client.reads else [])
        return found

    def run(self, ms: int) -> None:
        """Let time pass."""
        until_ms = self.now_ms + ms
        while self.now_ms < until_ms:
            self.now_ms += STEP_MS
            while self._due and self._due[0][0] <= self.now_ms:
                heappop(self._due)[2]()
            for node in self.nodes.values():
                if node.is_alive:
                    self._step(node)
            counts = Counter({key: len(each) for key, each in self.readers().items()})
            assert not counts or max(counts.values()) <= 1, counts

    def _step(self, node: GroupNode) -> None:
        if not self.now_ms % LOOK_MS:
            finish(node.groups.looking(self.now_ms))
        if self.now_ms % ASK_MS:
            return
        for other in self.nodes:
            question = node.groups.visits.question(other, tells=True)
            if question is not None:
                self._ask(node, other, question)

    def _passes(self, one: str, other: str) -> bool:
        return frozenset((one, other)) not in self.cut and self.random.randrange(100) >= self.losses

    def _ask(self, node: GroupNode, other: str, question: Question) -> None:
        asked_ms, incarnation = self.now_ms, node.incarnation
        form = json.dumps(question_form(question, has_ids=True))

        def come() -> None:
            answerer = self.nodes[other]
            if not answerer.is_alive or not self._passes(node.name, other):
                return
            taken = question_of(json.loads(form))
            try:
                finish(answerer.groups.guests.take(node.name, taken, self.now_ms))
                told = answerer.groups.guests.told(node.name, taken.visit)
            except VisitOverError:
                answer = None
            else:
                answer = json.dumps(told_form(told))
            self.later(self.delay_ms(), lambda: go_back(answer))

        def go_back(answer: str | None) -> None:
            if not node.is_alive or node.incarnation != incarnation:
                return
            if not self._passes(node.name, other):
                return
            visits = node.groups.visits
            if answer is None:
                finish(visits.begin_anew(other, question.visit, self.now_ms))
                return
            told = told_of(json.loads(answer))
            finish(visits.told(other, question.visit, asked_ms, told, self.now_ms))

        self.later(self.delay_ms(), come)


def _age(place: Place) -> tuple[int, int]:
    """Return what is larger of a later stream of a name, and of a later leader of a stream."""
    return int(place.stored_id.rpartition("-")[2]), place.epoch
