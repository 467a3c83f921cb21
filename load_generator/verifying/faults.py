"""The kinds of faults, as plans: what is done to whom, how long it holds, how it is undone.

A plan is data, drawn by ``choose`` from what the cluster has. So a seed makes the same plans again,
and a test can look at them without a cluster. Times are in ms.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import Enum
from itertools import permutations
from typing import Final, NamedTuple, TypeAlias, TypeVar

from load_generator.verifying.cluster import Ability

Item = TypeVar("Item")
HOLD_MS: Final = (6_000, 15_000)
"""Longer than a cluster takes to elect another leader."""


class Verb(Enum):
    """What a step does; see the methods of ``Cluster``. AWAIT waits until names serve."""

    KILL = "kill"
    STOP = "stop"
    START = "start"
    AWAIT = "await"
    FREEZE = "freeze"
    FREEZE_LEASE = "freeze the lease of"
    THAW = "thaw"
    CUT = "cut"
    LOSE = "lose packets at"
    LIMIT = "limit"
    HEAL = "heal"
    WIPE = "wipe"
    SLOW_DISK = "slow the disk of"
    SHIFT_CLOCK = "shift the clock of"
    WAIT = "wait"


class Step(NamedTuple):
    """One thing that is done.

    Attributes:
        verb: what.
        names: of nodes and stores it is done to.
        pairs: of CUT, from whom to whom nothing goes.
        amount: of LOSE percent, of LIMIT kbit/s, of WAIT, SLOW_DISK and SHIFT_CLOCK ms.
    """

    verb: Verb
    names: tuple[str, ...] = ()
    pairs: tuple[tuple[str, str], ...] = ()
    amount: int = 0

    def text(self) -> str:
        """Say it in words."""
        cuts = tuple(f"{source}>{target}" for source, target in self.pairs)
        words = [self.verb.value, *self.names, *cuts]
        return " ".join([*words, str(self.amount)] if self.amount else words)


@dataclass(frozen=True, slots=True)
class Plan:
    """A fault: steps one after another, a time that they hold, steps that undo them."""

    kind: str
    begin: tuple[Step, ...]
    hold_ms: int
    end: tuple[Step, ...]

    def text(self) -> str:
        """Say it in words."""
        begin, end = ("; ".join(step.text() for step in steps) for steps in (self.begin, self.end))
        return f"{self.kind}: {begin}; {self.hold_ms} ms; {end or 'nothing to undo'}"


@dataclass(frozen=True, slots=True)
class Scene:
    """What a plan is drawn from.

    Attributes:
        nodes, stores, abilities: of the cluster.
        leader: of one of the queues under load; a node in any case.
        choose: returns a number from 0 on that is lower than the given one.
        hold_ms: the shortest and the longest time that a partition or slowness holds.
    """

    nodes: tuple[str, ...]
    stores: tuple[str, ...]
    abilities: frozenset[Ability]
    leader: str
    choose: Callable[[int], int]
    hold_ms: tuple[int, int] = HOLD_MS

    def one_of(self, items: Sequence[Item]) -> Item:
        """Return one of some."""
        return items[self.choose(len(items))]

    def shuffled(self, items: Iterable[Item]) -> list[Item]:
        """Return all of some, in any order."""
        rest, order = list(items), []
        while rest:
            order.append(rest.pop(self.choose(len(rest))))
        return order

    def between(self, low_ms: int, high_ms: int) -> int:
        """Return a time from low to high."""
        return low_ms + self.choose(high_ms - low_ms + 1)

    @property
    def mirrors(self) -> tuple[str, ...]:
        """All nodes but the leader; the leader where it is alone."""
        return tuple(node for node in self.nodes if node != self.leader) or (self.leader,)


Draw: TypeAlias = Callable[[Scene], Plan]


def _killed(kind: str, scene: Scene, names: Sequence[str]) -> Plan:
    chosen = tuple(names)
    hold_ms = scene.between(200, scene.hold_ms[0] + 2_000)
    return Plan(kind, (Step(Verb.KILL, chosen),), hold_ms, (Step(Verb.START, chosen),))


def _frozen(kind: str, names: Sequence[str], hold_ms: int, verb: Verb = Verb.FREEZE) -> Plan:
    chosen = tuple(names)
    return Plan(kind, (Step(verb, chosen),), hold_ms, (Step(Verb.THAW, chosen),))


def _parted(kind: str, scene: Scene, pairs: Iterable[tuple[str, str]]) -> Plan:
    step = Step(Verb.CUT, pairs=tuple(sorted(pairs)))
    return Plan(kind, (step,), scene.between(*scene.hold_ms), (Step(Verb.HEAL),))


def between_sides(sides: Iterable[Sequence[str]]) -> set[tuple[str, str]]:
    """Return the pairs that part some sides from each other, both ways."""
    return {
        (source, target)
        for one, other in permutations(sides, 2)
        for source in one
        for target in other
    }


def majorities_ring(ring: Sequence[str]) -> set[tuple[str, str]]:
    """Return the pairs that leave each node of a ring with a majority, and no two with the same.

    Of three nodes each hears one other, which does not hear it. A connection needs both ways, so no
    two of them reach each other, and nothing can be confirmed before that has passed.

    Source: Jepsen's ``majorities-ring``: the node in the middle of each stretch of a majority of
    the ring gets nothing from outside the stretch.
    """
    count = len(ring)
    majority = count // 2 + 1
    pairs = set()
    for start in range(count):
        stretch = [ring[(start + ahead) % count] for ahead in range(majority)]
        middle = stretch[majority // 2]
        pairs |= {(other, middle) for other in ring if other not in stretch}
    return pairs


def _with_stores(scene: Scene, sides: Sequence[Sequence[str]]) -> list[list[str]]:
    """Return sides of nodes with the stores dealt to them, in turn, the larger side first."""
    dealt = sorted((list(side) for side in sides), key=len, reverse=True)
    for number, store in enumerate(scene.shuffled(scene.stores)):
        dealt[number % 2 if number else 0].append(store)
    return dealt


def _random_halves(scene: Scene) -> Plan:
    order = scene.shuffled(scene.nodes)
    cut_at = len(order) // 2
    sides = _with_stores(scene, (order[:cut_at], order[cut_at:]))
    return _parted("random-halves", scene, between_sides(sides))


def _random_node(scene: Scene) -> Plan:
    one = scene.one_of(scene.nodes)
    rest = [node for node in (*scene.nodes, *scene.stores) if node != one]
    return _parted("random-node", scene, between_sides(([one], rest)))


def _isolated_leader(scene: Scene) -> Plan:
    rest = [name for name in (*scene.nodes, *scene.stores) if name != scene.leader]
    return _parted("isolate-leader", scene, between_sides(([scene.leader], rest)))


def _ring(scene: Scene) -> Plan:
    return _parted("majorities-ring", scene, majorities_ring(scene.shuffled(scene.nodes)))


def _bridge(scene: Scene) -> Plan:
    order = scene.shuffled(scene.nodes)
    sides = (order[1 : len(order) // 2 + 1], order[len(order) // 2 + 1 :])
    return _parted("bridge", scene, between_sides(sides))


def _deaf_leader(scene: Scene) -> Plan:
    others = (*scene.mirrors, *scene.stores)
    return _parted("leader-hears-nothing", scene, {(one, scene.leader) for one in others})


def _mute_leader(scene: Scene) -> Plan:
    others = (*scene.mirrors, *scene.stores)
    return _parted("leader-is-not-heard", scene, {(scene.leader, one) for one in others})


def _links_only(scene: Scene) -> Plan:
    """Cut the leader from its mirrors, and not from the store."""
    pairs = between_sides(([scene.leader], scene.mirrors))
    return _parted("leader-cut-from-mirrors", scene, pairs)


def _store_cut(scene: Scene) -> Plan:
    pairs = between_sides(([scene.leader], scene.stores))
    return _parted("leader-cut-from-store", scene, pairs)


def _store_away(scene: Scene) -> Plan:
    begin = (Step(Verb.KILL, scene.stores),)
    return Plan("store-away-60", begin, 60_000, (Step(Verb.START, scene.stores),))


def _stopped(scene: Scene) -> Plan:
    chosen = (scene.leader,)
    hold_ms = scene.between(200, scene.hold_ms[0] + 2_000)
    return Plan("stop-leader", (Step(Verb.STOP, chosen),), hold_ms, (Step(Verb.START, chosen),))


def _rolling(kind: str, scene: Scene, verb: Verb) -> Plan:
    steps: list[Step] = []
    for node in scene.shuffled(scene.nodes):
        chosen = (node,)
        steps += (Step(verb, chosen), Step(Verb.WAIT, amount=scene.between(100, 1_500)))
        steps += (Step(Verb.START, chosen), Step(Verb.AWAIT, chosen))
        steps.append(Step(Verb.WAIT, amount=2_000))
    return Plan(kind, tuple(steps), 0, ())


def _wiped(scene: Scene) -> Plan:
    node = (scene.one_of(scene.mirrors),)
    begin = (Step(Verb.KILL, node), Step(Verb.WAIT, amount=1_000), Step(Verb.WIPE, node))
    return Plan("wipe-mirror", begin, 500, (Step(Verb.START, node), Step(Verb.AWAIT, node)))


def _slow_disk(scene: Scene) -> Plan:
    node = (scene.one_of(scene.nodes),)
    begin = (Step(Verb.SLOW_DISK, node, amount=scene.one_of((20, 100, 500))),)
    return Plan("slow-disk", begin, scene.between(*scene.hold_ms), (Step(Verb.SLOW_DISK, node),))


def _clock(scene: Scene) -> Plan:
    node = (scene.one_of(scene.nodes),)
    begin = (Step(Verb.SHIFT_CLOCK, node, amount=scene.one_of((-3_600_000, 3_600_000))),)
    return Plan("clock-jump", begin, scene.between(*scene.hold_ms), (Step(Verb.SHIFT_CLOCK, node),))


def _lossy(scene: Scene) -> Plan:
    begin = (Step(Verb.LOSE, scene.nodes, amount=scene.one_of((2, 10, 30))),)
    return Plan("lossy-links", begin, scene.between(*scene.hold_ms), (Step(Verb.HEAL),))


def _slow_link(scene: Scene) -> Plan:
    begin = (Step(Verb.LIMIT, (scene.one_of(scene.nodes),), amount=1_000),)
    return Plan("slow-link", begin, scene.between(*scene.hold_ms), (Step(Verb.HEAL),))


@dataclass(frozen=True, slots=True)
class FaultKind:
    """How plans of one kind are drawn, and what a cluster needs for it."""

    draw: Draw
    needs: frozenset[Ability] = frozenset()
    nodes_min: int = 1


_CUT: Final = frozenset({Ability.CUT})
_STORE: Final = frozenset({Ability.STORE})

KINDS: Final[dict[str, FaultKind]] = {
    "kill-leader": FaultKind(lambda scene: _killed("kill-leader", scene, [scene.leader])),
    "kill-mirror": FaultKind(
        lambda scene: _killed("kill-mirror", scene, [scene.one_of(scene.mirrors)]), nodes_min=2
    ),
    "kill-all": FaultKind(lambda scene: _killed("kill-all", scene, scene.nodes)),
    "kill-store": FaultKind(
        lambda scene: _killed("kill-store", scene, [scene.one_of(scene.stores)]), _STORE
    ),
    "freeze-leader-5": FaultKind(lambda scene: _frozen("freeze-leader-5", [scene.leader], 5_000)),
    "freeze-leader-15": FaultKind(
        lambda scene: _frozen("freeze-leader-15", [scene.leader], 15_000)
    ),
    "freeze-leader-60": FaultKind(
        lambda scene: _frozen("freeze-leader-60", [scene.leader], 60_000)
    ),
    "freeze-mirror-5": FaultKind(
        lambda scene: _frozen("freeze-mirror-5", [scene.one_of(scene.mirrors)], 5_000),
        nodes_min=2,
    ),
    "freeze-mirror-15": FaultKind(
        lambda scene: _frozen("freeze-mirror-15", [scene.one_of(scene.mirrors)], 15_000),
        nodes_min=2,
    ),
    "freeze-store-15": FaultKind(
        lambda scene: _frozen("freeze-store-15", scene.stores, 15_000), _STORE
    ),
    "freeze-lease-15": FaultKind(
        lambda scene: _frozen("freeze-lease-15", [scene.leader], 15_000, Verb.FREEZE_LEASE),
        frozenset({Ability.LEASE}),
    ),
    "random-halves": FaultKind(_random_halves, _CUT, 3),
    "random-node": FaultKind(_random_node, _CUT, 3),
    "isolate-leader": FaultKind(_isolated_leader, _CUT, 3),
    "majorities-ring": FaultKind(_ring, _CUT, 3),
    "bridge": FaultKind(_bridge, _CUT, 3),
    "leader-hears-nothing": FaultKind(_deaf_leader, _CUT, 3),
    "leader-is-not-heard": FaultKind(_mute_leader, _CUT, 3),
    "leader-cut-from-mirrors": FaultKind(_links_only, _CUT, 3),
    "leader-cut-from-store": FaultKind(_store_cut, _CUT | _STORE, 3),
    "store-away-60": FaultKind(_store_away, _STORE),
    "rolling-restart": FaultKind(lambda scene: _rolling("rolling-restart", scene, Verb.KILL)),
    "stop-leader": FaultKind(_stopped),
    "rolling-stop": FaultKind(lambda scene: _rolling("rolling-stop", scene, Verb.STOP)),
    "wipe-mirror": FaultKind(_wiped, frozenset({Ability.WIPE}), 3),
    "slow-disk": FaultKind(_slow_disk, frozenset({Ability.SLOW_DISK})),
    "slow-link": FaultKind(_slow_link, frozenset({Ability.SLOW_LINK}), 2),
    "lossy-links": FaultKind(_lossy, frozenset({Ability.LOSSY_LINK}), 2),
    "clock-jump": FaultKind(_clock, frozenset({Ability.CLOCK})),
}
"""By name. ``combined`` is two of them, which overlap."""

COMBINED: Final = "combined"
TOO_LONG_TO_COMBINE: Final = frozenset(
    {"freeze-leader-60", "store-away-60", "rolling-restart", "rolling-stop"}
)
"""Kinds that ``combined`` leaves out; with them an episode takes minutes."""


def fits(kind: str, node_count: int, abilities: frozenset[Ability]) -> bool:
    """Return whether a cluster can have a kind of fault; the name is one of KINDS or COMBINED."""
    if kind == COMBINED:
        return True
    row = KINDS[kind]
    return node_count >= row.nodes_min and row.needs <= abilities


def draw(kind: str, scene: Scene) -> Plan:
    """Draw the plan of a kind, which fits the scene.

    Raises:
        KeyError: there is no such kind.
    """
    return _combined(scene) if kind == COMBINED else KINDS[kind].draw(scene)


def _combined(scene: Scene) -> Plan:
    names = [
        name
        for name in KINDS
        if name not in TOO_LONG_TO_COMBINE and fits(name, len(scene.nodes), scene.abilities)
    ]
    first, second = (draw(scene.one_of(names), scene) for _ in range(2))
    between = Step(Verb.WAIT, amount=scene.between(0, 3_000))
    hold_ms = min(first.hold_ms, second.hold_ms)
    end = (
        *first.end,
        Step(Verb.WAIT, amount=abs(first.hold_ms - second.hold_ms)),
        *second.end,
    )
    if scene.choose(2):
        end = (*second.end, end[len(first.end)], *first.end)
    kind = f"{COMBINED} {first.kind} + {second.kind}"
    return Plan(kind, (*first.begin, between, *second.begin), hold_ms, end)
