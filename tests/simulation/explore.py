"""Random runs from seeds: a shape, a choice of faults, events one after another, then a heal.

A run is a list of events. The same seed gives the same list, and a list can be played again.
"""

import hashlib
import random
from collections.abc import Callable
from dataclasses import dataclass, field

from cluster.replication.errors import BrokenInvariantError
from cluster.replication.rules import Rules
from cluster.replication.state import QueueOptions
from cluster.replication.timers import Timers
from tests.simulation import choices, shortages
from tests.simulation.choices import Event
from tests.simulation.cluster import ETCD, Cluster, FrontEnd, Mistakes
from tests.simulation.store import TTL
from tests.simulation.violation import ViolationError
from tests.simulation.weights import (
    BUDGET,
    BY_TIMERS,
    FAULTS,
    OF_FRONTS,
    OF_SOME_SEEDS,
    RARE,
    USERS,
    WEIGHTS,
    WEIGHTS_OF_SOME,
    choose,
)

STEPS = 300
HEAL_STEPS_MAX = 2_500
OPERATOR_STEPS = 400
"""Of a heal, before an operator does what only he can."""

TIMERS = Timers(lag_max_ms=3, missing_max_ms=2, idle_max_ms=20, answer_max_ms=3, attach_again_ms=1)
"""Of the cores that decide themselves; a tick is a ms."""


def _queues(*rows: tuple[str, int, bool]) -> dict[str, QueueOptions]:
    return {
        name: QueueOptions(tuple(replicas), min_isr, guard)
        for name, (replicas, min_isr, guard) in zip("qrs", rows, strict=False)
    }


SHAPES = (
    ("abc", _queues(("abc", 2, False))),
    ("abc", _queues(("abc", 2, False), ("acb", 2, True), ("bac", 2, False))),
    ("ab", _queues(("ab", 1, False))),
    ("ab", _queues(("ab", 1, True))),
    ("abc", _queues(("abc", 1, True), ("bca", 2, False))),
    ("abc", _queues(("abc", 2, False), ("ab", 1, False))),
)
NOT_WITH_CHANGES = ("erestore",)
"""With a store that went back to other replicas an operator has to know them all."""
SHAPES_OF_RARE = {"wipe": (0, 1), "restore": (0, 1), "promote": (1, 3, 4)}
"""``min_isr`` 1 promises nothing where a disk is lost; a promotion needs a guarded queue."""


@dataclass(slots=True)
class Run:
    """What happened; ``broken`` is the text of the broken promise, None where none was."""

    seed: int
    events: list[Event] = field(default_factory=list)
    broken: str | None = None
    confirmed: int = 0

    def digest(self) -> str:
        return hashlib.sha256(repr((self.events, self.broken)).encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class Planted:
    """What is done wrong on purpose; by default nothing. ``fronts``: front ends publish, too."""

    rules: Rules = field(default_factory=Rules)
    mistakes: Mistakes = field(default_factory=Mistakes)
    fronts: bool = False


RIGHT = Planted()
WITH_FRONTS = Planted(fronts=True)


def cluster_of(
    seed: int, planted: Planted = RIGHT, timers: Timers | None = None
) -> tuple[Cluster, random.Random]:
    """The cluster that a seed begins with, and the chance that goes on from there."""
    chance = random.Random(seed)
    rare = chance.choice([*RARE, *["none"] * len(RARE)])
    shapes = SHAPES_OF_RARE.get(rare, range(len(SHAPES)))
    nodes, queues = SHAPES[chance.choice(list(shapes))]
    left = {kind: chance.choice([0, most // 2, most]) for kind, most in BUDGET.items()}
    left |= dict.fromkeys(RARE, 0) | {"tick": BUDGET["tick"]}
    if rare in RARE:
        left |= RARE[rare] | {rare: 1}
    for kind, (every, rests, most) in OF_SOME_SEEDS.items():
        left[kind] = most if seed % every in rests else 0
    if rare in NOT_WITH_CHANGES:
        left["change"] = left["delete"] = 0
    if left["change"]:
        nodes += "d"
    left["publish"], left["settle"] = chance.choice([3, 8, 20]), chance.choice([0, 4, 10])
    cluster = Cluster(
        nodes,
        queues,
        left,
        rules=planted.rules,
        mistakes=planted.mistakes,
        reads_at_once=chance.random() < 0.5,
        timers=timers,
    )
    if planted.fronts:
        cluster.fronts = {(front, queue): FrontEnd() for front in "xy" for queue in queues}
        cluster.left |= {
            kind: chance.choice([0, 3, 12]) for kind in ("refuse", "unanswered", "again")
        }
        cluster.left["offer"] = chance.choice([4, 16])
    return cluster, chance


def run(seed: int, planted: Planted = RIGHT, timers: Timers | None = None) -> Run:
    """One run from a seed; with timers the cores decide at ticks, beside what chance decides."""
    cluster, chance = cluster_of(seed, planted, timers)
    made = Run(seed)
    try:
        _wander(cluster, chance, made)
        heal(cluster, chance, made.events)
    except (ViolationError, BrokenInvariantError) as broken:
        made.broken = str(broken)
    made.confirmed = cluster.ghost.confirmed_count
    return made


def _wander(cluster: Cluster, chance: random.Random, made: Run) -> None:
    chosen_from = WEIGHTS | OF_FRONTS if cluster.fronts else WEIGHTS
    weights = {kind: each * chance.choice((0.2, 1, 1, 4)) for kind, each in chosen_from.items()}
    weights |= WEIGHTS_OF_SOME
    alone_at, plan = chance.randrange(20, 120), list[Event]()
    for step in range(chance.choice([STEPS // 3, STEPS])):
        if step == alone_at:
            plan = _isolation(cluster, chance)
        while plan and plan[0] not in choices.enabled(cluster):
            plan.pop(0)
        event = plan.pop(0) if plan else choose(chance, cluster, weights, frozenset())
        if event is None:
            break
        made.events.append(event)
        choices.do(cluster, event)


def _isolation(cluster: Cluster, chance: random.Random) -> list[Event]:
    """A leader learns nothing from the store any more; its lease may end while it lives on."""
    leaders = [name for name, machine in cluster.machines.items() if machine.leads()]
    if not leaders or (leaders[0], ETCD) in cluster.cuts:
        return []
    leader = leaders[0]
    other = chance.choice([name for name in cluster.machines if name != leader])
    plan: list[Event] = [("cut", leader, ETCD)]
    if chance.random() < 0.5:
        plan += [("cut", leader, other), ("cut", other, leader)]
    if chance.random() < 0.5:
        plan += [("tick",)] * TTL + [("renew", name) for name in cluster.machines]
        plan += [("expire", leader)]
    return plan


def is_whole(cluster: Cluster) -> bool:
    """I7: every queue is led, all its replicas are in sync, and everything is committed.

    None stands still, and of those that are deleted nothing is left.
    """
    for queue in cluster.queues:
        options = cluster.options(queue)
        state = cluster.store.now.states[queue][0]
        lead = cluster.machines[state.leader].lead(queue) if state.leader else None
        everyone = {cluster.machines[name].replica for name in options.replicas}
        if lead is None or lead.state != state or state.in_sync_set != everyone:
            return False
        if lead.commit < max(lead.epoch_start, lead.replica.end):
            return False
        if lead.handing_over is not None or not cluster.machines[state.leader].core.may_append(
            queue
        ):
            return False
    gone = cluster.store.now.gone
    if any(gone & machine.written.keys() for machine in cluster.machines.values()):
        return False
    return not any(end.open for end in cluster.fronts.values())


def is_serving(cluster: Cluster) -> bool:
    """I7 while disks are nearly full: every queue is led, and everything is committed."""
    for queue in cluster.queues:
        state = cluster.store.now.states[queue][0]
        lead = cluster.machines[state.leader].lead(queue) if state.leader else None
        if lead is None or lead.state != state:
            return False
        if lead.commit < max(lead.epoch_start, lead.replica.end):
            return False
    return True


def heal(cluster: Cluster, chance: random.Random, events: list[Event]) -> None:
    """Undo every fault, then take fair steps until all is whole (I7)."""

    def do(*event: object) -> None:
        events.append(event)
        choices.do(cluster, event)

    ended = frozenset((*FAULTS, *USERS, *OF_SOME_SEEDS))
    weights: dict[str, float] = WEIGHTS | OF_FRONTS | WEIGHTS_OF_SOME
    stands_still = any(
        machine.up and machine.core.node.handing_over for machine in cluster.machines.values()
    )
    if cluster.timers is not None or stands_still:
        ended -= {"tick"}
        weights["tick"] = 0.2
    if cluster.timers is not None:
        ended |= BY_TIMERS
    cluster.left = dict.fromkeys(ended, 0) | {"publish": len(cluster.queues)}
    _undo_faults(cluster, do)
    if any(machine.short for machine in cluster.machines.values()):
        cluster.left.pop("shrink")
        _take(cluster, chance, weights, ended - {"shrink"}, do, is_serving)
        for name, machine in cluster.machines.items():
            if machine.short:
                do("roomy", name)
    _take(cluster, chance, weights, ended, do, is_whole)


def _take(
    cluster: Cluster,
    chance: random.Random,
    weights: dict[str, float],
    ended: frozenset[str],
    do: Callable[..., None],
    holds: Callable[[Cluster], bool],
) -> None:
    """Take fair steps until something holds (I7)."""
    for step in range(HEAL_STEPS_MAX):
        if step % OPERATOR_STEPS == OPERATOR_STEPS - 1:
            _have_go_on(cluster, do)
        if any(machine.frozen for machine in cluster.machines.values()):
            do("recover")
            for name in cluster.machines:
                do("start", name)
        if holds(cluster) or _is_beyond_help(cluster):
            return
        event = choose(chance, cluster, weights, ended)
        if event is not None:
            do(*event)
        elif not _have_go_on(cluster, do):
            break
    states = {queue: cluster.store.now.states[queue][0] for queue in cluster.queues}
    raise ViolationError(f"I7 not whole after the heal: {states}")


def _undo_faults(cluster: Cluster, do: Callable[..., None]) -> None:
    for source, target in sorted(cluster.cuts):
        do("heal", source, target)
    if not cluster.store.up:
        do("eup")
    for name, machine in cluster.machines.items():
        if not machine.up:
            do("start", name)
        elif machine.paused:
            do("resume", name)
        if machine.full:
            do("space", name)


def _have_go_on(cluster: Cluster, do: Callable[..., None]) -> bool:
    """Have a damaged leader go on, as an operator does, where no other member has its disk.

    Return whether there was one.
    """
    standing = [
        (name, queue)
        for name in cluster.machines
        for queue in cluster.queues
        if shortages.stands_still(cluster, name, queue)
    ]
    for name, queue in standing:
        do("alone", name, queue)
    return bool(standing)


def _is_beyond_help(cluster: Cluster) -> bool:
    """No member of a queue has its disk: an operator has to promote what is no member."""
    for queue in cluster.queues:
        members = cluster.store.now.states[queue][0].in_sync_set
        if not any(machine.replica in members for machine in cluster.machines.values()):
            return True
    return False


def replay(
    seed: int,
    events: list[Event],
    planted: Planted = RIGHT,
    timers: Timers | None = None,
    *,
    healed: bool = False,
) -> tuple[list[Event], str | None]:
    """Play events again from a seed's cluster, without those that may not happen any more."""
    cluster, _ = cluster_of(seed, planted, timers)
    cluster.left = {}
    done: list[Event] = []
    try:
        for event in events:
            if event in choices.enabled(cluster):
                done.append(event)
                choices.do(cluster, event)
        if healed:
            heal(cluster, random.Random(0), [])
    except (ViolationError, BrokenInvariantError) as broken:
        return done, str(broken)
    return done, None


def shrink(
    made: Run, planted: Planted = RIGHT, timers: Timers | None = None, plays_max: int = 400
) -> list[Event]:
    """Leave out events as long as the same promise is broken; the events that are needed."""
    assert made.broken is not None
    rule, plays = made.broken.split()[0], 0

    def fails(events: list[Event]) -> list[Event] | None:
        done, broken = replay(made.seed, events, planted, timers, healed=rule == "I7")
        return done if broken is not None and broken.split()[0] == rule else None

    best = fails(made.events)
    if best is None:
        return made.events
    size = max(1, len(best) // 2)
    while size and plays < plays_max:
        at, shorter = 0, False
        while at < len(best) and plays < plays_max:
            plays += 1
            done = fails(best[:at] + best[at + size :])
            if done is not None and len(done) < len(best):
                best, shorter = done, True
            else:
                at += size
        size = size if shorter and size == 1 else size // 2
    return best
